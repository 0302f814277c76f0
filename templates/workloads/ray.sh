# One process runs on each node. On this node, the first, it starts Ray's head and your program. The other nodes join the head.
# Ray refuses connections without this job's token (Ray 2.52 and newer).
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
#% for launch in launches
#%   include "told.sh"
{{ launch.line }}
#% endfor
