import os, socket

from mpi4py import MPI

staged = os.environ["HPCGEN_STAGED"]
texts = [open(os.path.join(staged, name)).read().strip() for name in ("data/inner/a.txt", "in: put/b.txt", "c.txt")]
mine = (socket.gethostname(), staged, oct(os.stat(staged).st_mode & 0o777), os.access(f"{staged}/c.txt", os.X_OK), *texts)
everyone = MPI.COMM_WORLD.gather(mine)
for rank, one in enumerate(everyone or ()):
    print("staged", rank, *one, sep="|", flush=True)
