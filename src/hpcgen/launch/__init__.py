"""Launch lines: launchers, what they start, on which CPUs, and the MPIs behind them."""
