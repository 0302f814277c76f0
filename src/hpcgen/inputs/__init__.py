"""A site and a request out of flags, files, configurations and the environment."""
