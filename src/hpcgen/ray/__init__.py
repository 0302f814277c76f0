"""Ray inside a job: `node` starts and ends Ray's processes on one node, `cluster` connects the nodes and runs the program.

Scripts carry the text of both as one program. So they share one namespace, import nothing else of hpcgen, and run on
Python 3.9 and newer, and on Ray from 2.9 on. With `--symmetric-run` scripts carry `symmetric`, too, which starts Ray by
its own `ray symmetric-run`. That command refuses a node on which anyone runs Ray, so it is not the default.
"""
