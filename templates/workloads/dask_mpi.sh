#% include "carried.sh"

#% if job.components[0].ntasks > 1
# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
#% else
# One process on one node: the program, beside Dask's scheduler and workers.
#% endif
#% for launch in launches
#%   if launch.unordered
#%     include "ordered.sh"
#%   endif
#%   if launch.goes_on
HPCGEN_STATUS=$(mktemp "$PWD/.dask-XXXXXX")   # for the program's status: srun's is that of a worker that died
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
