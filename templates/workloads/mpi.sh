
#% if job.selfcheck
selfcheck=$(cat <<'PYTHON'
{{ job.selfcheck }}
PYTHON
)
#% endif
#% for launch in launches
{{ launch.line }}
#% endfor
