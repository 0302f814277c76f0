#% for launch in launches
#%   if launch.programs
# Each rank runs the program that its number belongs to.
programs=$(cat <<'BASH'
#%     for end, program in launch.programs
#%       if loop.last
else
#%       else
{{ "if" if loop.first else "elif" }} [ "${{ launch.rank }}" -lt {{ end }} ]; then
#%       endif
    exec {{ program }}
#%     endfor
fi
BASH
)
#%   endif
#%   if launch.unordered
#%     include "ordered.sh"
#%   endif
{{ launch.line }}
#% endfor
