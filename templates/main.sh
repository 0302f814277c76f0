#%# Setup and launch. A script that carries a launcher tells its story first: bash reads main to its end before it runs it.
#% if main

main() {
#%   if prepared
#%     include "indented/setup.sh"

#%   endif
#%   include "indented/" ~ body
}
#%   include "carried.sh"

main "$@"
#% else
#%   if prepared

#%     include "setup.sh"
#%   endif
#%   if body
#%     include "carried.sh"

#%     include body
#%   endif
#% endif
