
#% if job.selfcheck
# Rank 0 is Dask's scheduler, rank 1 runs this check, the others are workers.
selfcheck=$(cat <<'PYTHON'
{{ job.selfcheck }}
PYTHON
)
#% else
# Rank 0 is Dask's scheduler, rank 1 runs the program, the others are workers.
#% endif
#% for launch in launches
{{ launch.line }}
#% endfor
