#% for name, text in launch.told
#%   if loop.first
# What the launcher, whose text is at the end of this script, is told.
#%   endif
{{ name }}={{ text|word }}
#% endfor
