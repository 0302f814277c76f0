"""`python -m hpcgen.ray '{"nodes": 1, …}' PROGRAM ARGS`: the launcher where hpcgen is installed."""

import sys

from hpcgen.ray import cluster, symmetric
from hpcgen.ray.node import main, read_command_line

main((symmetric if read_command_line(sys.argv[1:]).get("symmetric") else cluster).begin)
