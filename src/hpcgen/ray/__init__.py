"""Ray inside a job: `node` looks after Ray's processes on a node, `cluster` leads or joins the others. Scripts carry both.

They import nothing else of hpcgen, and speak Python 3.9 and Ray 2.9 up to today's. `ray symmetric-run` does not do: it
refuses a node on which anyone runs Ray, its `ray stop` ends every Ray of its user's there, and its workers wait a minute for
the head that has gone (run on 2.60).
"""
