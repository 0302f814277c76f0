#% for name, text in script.carried

{{ name }}=$(cat <<'PYTHON'
{{ text }}
PYTHON
)
#% endfor
