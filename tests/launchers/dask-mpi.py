# hpcgen 0.1.0: program.py, ranks.py, meeting.py, mpi.py from src/hpcgen/dask, and the call that starts them.

# --- program.py

…

# --- ranks.py

…

# --- meeting.py

…

# --- mpi.py

…

main(begin)