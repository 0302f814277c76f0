"""A miniature of a cluster: real schedulers and MPIs on hosts that are namespaces of this machine."""
