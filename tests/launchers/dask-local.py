# hpcgen 0.1.0: program.py, local.py from src/hpcgen/dask, and the call that starts them.

# --- program.py

…

# --- local.py

…

main(begin)