export {{ container.wrapper_image }}={{ container.image|path }}
#% if container.gpu_flag
export {{ container.wrapper_flags }}="${{ container.wrapper_flags }} {{ container.gpu_flag }}"
#% endif
