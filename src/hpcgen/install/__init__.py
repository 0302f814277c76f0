"""What `hpcgen env` and `hpcgen container` print."""
