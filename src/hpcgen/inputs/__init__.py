"""Reads the site and the request from flags, files, configurations and the environment."""
