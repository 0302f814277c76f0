# hpcgen 0.1.0: node.py, cluster.py from src/hpcgen/ray, and the call that starts them.

# --- node.py

…

# --- cluster.py

…

main(begin)