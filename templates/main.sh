#%# Setup and launch. If the script contains a launcher, a function holds both, so that readers see them before the launcher.
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
