# One process runs on each node. On the first, which is this one, it starts Ray's head and your program; the others join.
# Ray refuses whoever does not have this job's token (Ray 2.52 and newer).
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
#% for launch in launches
#%   include "told.sh"
{{ launch.line }}
#% endfor
