# Run torchrun, and exit with the status of the process that failed first. torchrun itself always exits with 1.
torchrun=$(cat <<'PYTHON'
import sys
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main

try:
    main()
except ChildFailedError as failed:
    print(failed, file=sys.stderr)
    status = failed.get_first_failure()[1].exitcode
    sys.exit(status if status > 0 else 128 - status)
PYTHON
)
#% for launch in launches
#%   if launch.through
# torchrun runs once on each node, and starts the processes there. They connect to a free port of this node, the first of the
# job. torchrun reads the settings that differ between nodes from PET_LOCAL_ADDR and PET_RDZV_CONF.
node=$(cat <<'BASH'
#%     if job.interfaces
over() {
    PET_LOCAL_ADDR=$(ip -4 -oneline address show dev "$1" 2>/dev/null | awk '{ sub("/.*", "", $4); print $4; exit }')
    [ -n "$PET_LOCAL_ADDR" ] && export NCCL_SOCKET_IFNAME="$1" GLOO_SOCKET_IFNAME="$1"
}
#%       for name in job.interfaces
over {{ name|word }} ||
#%       endfor
#%     endif
PET_LOCAL_ADDR=$(hostname)
[ $# -gt 0 ] || exec echo "$PET_LOCAL_ADDR"
first=false
[ "$0" != "$PET_LOCAL_ADDR:${0##*:}" ] || first=true
export PET_LOCAL_ADDR PET_RDZV_ENDPOINT="$0" PET_RDZV_ID="$0" PET_RDZV_CONF="is_host=$first"
#%     if job.container
# If this node gets SIGTERM, another node failed first. Then exit with 1, because the container's own status is unreliable.
told=
trap told=1 TERM
"$@" || exit "${told:-$?}"
#%     else
exec "$@"
#%     endif
BASH
)
host=$(bash -c "$node")
port=$((20000 + $$ % 12000))
while (: </dev/tcp/"$host"/"$port") 2>/dev/null; do port=$((port + 1)); done
meeting=$host:$port
#%   endif
{{ launch.line }}
#% endfor
