#% include "carried.sh"

# One process on each node: on the first, which is this one, it runs Ray's head and the program; the others join. Whoever has
# not this job's token is refused (Ray 2.52 and newer).
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN HPCGEN_HEAD="$HOSTNAME"
#% for launch in launches
{{ launch.line }}
#% endfor
