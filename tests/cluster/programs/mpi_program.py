"""Any MPI program: the ranks add up their numbers, and say where they are."""
import sys

import facts
from mpi4py import MPI

world = MPI.COMM_WORLD
facts.report(world, argv=sys.argv, total=world.allreduce(world.rank), appnum=world.Get_attr(MPI.APPNUM))
