#% if launch.installed
{{ launch.installed }} 2>/dev/null || {
    echo "hpcgen: the job's Python does not have hpcgen {{ version }}: install it there (pip install --no-deps), or omit --launcher installed" >&2
    exit 1
}

#% endif
#% for name, text in launch.told
#%   if loop.first
# Settings for the launcher{{ "" if launch.installed else " at the end of this script" }}.
#%   endif
{{ name }}={{ text|word }}
#% endfor
