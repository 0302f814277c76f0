#% include "carried.sh"

#% for launch in launches
{{ launch.line }}
#% endfor
