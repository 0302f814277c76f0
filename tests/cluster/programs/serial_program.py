"""One process, without MPI."""
import json
import sys

from facts import facts

print("facts", json.dumps(facts(rank=0, size=1, argv=sys.argv)))
