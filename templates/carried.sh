#% for name, text in job.carried

{{ name }}=$(cat <<'PYTHON'
{{ text }}
PYTHON
)
#% endfor
