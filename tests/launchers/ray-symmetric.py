# hpcgen 0.1.0: node.py, cluster.py, symmetric.py from src/hpcgen/ray, and the call that starts them.

# --- node.py

…

# --- cluster.py

…

# --- symmetric.py

…

main(begin)