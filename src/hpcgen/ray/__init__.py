"""Ray inside a job: `node` starts and ends Ray's processes on one node, `cluster` connects the nodes and runs the program.

Scripts contain the source of both as one program. So the modules share one namespace, import no other modules of hpcgen, and
run on Python 3.9 and newer with Ray 2.9 and newer. With `--symmetric-run`, scripts also contain `symmetric`, which starts Ray
with `ray symmetric-run`. It is not the default, because it refuses a node on which any user already runs Ray.
"""
