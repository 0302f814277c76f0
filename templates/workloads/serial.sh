#% for launch in launches
{{ launch.line }}
#% endfor
