"""Launch lines: launchers, the programs they start, CPU binding, and the MPIs."""
