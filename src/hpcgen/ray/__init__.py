"""Ray inside a job: `node` looks after Ray's processes on a node, `cluster` leads or joins the others. Scripts carry both.

They import nothing else of hpcgen, and speak Python 3.9 and Ray 2.9 up to today's. `symmetric`, which scripts carry if asked,
has Ray's own `ray symmetric-run` start it; that refuses a node on which anyone runs Ray, so that it is not the usual form.
"""
