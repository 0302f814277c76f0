#% if job.components[0].ntasks > 1
# Rank 0 is Dask's scheduler, rank 1 runs your program, and the other ranks are workers.
#% else
# One process on one node runs your program, and starts Dask's scheduler and workers.
#% endif
#% for launch in launches
#%   include "told.sh"
#%   if launch.unordered

#%     include "ordered.sh"
#%   endif
#%   if launch.goes_on

HPCGEN_STATUS=$(mktemp "$PWD/.dask-XXXXXX")   # for your program's status: srun may exit with the status of a failed worker
export HPCGEN_STATUS
status=0
{{ launch.line }} || status=$?
[ ! -s "$HPCGEN_STATUS" ] || read -r status <"$HPCGEN_STATUS"
rm -f "$HPCGEN_STATUS" "$HPCGEN_STATUS.meet"
exit "$status"
#%   else
{{ launch.line }}
#%   endif
#% endfor
