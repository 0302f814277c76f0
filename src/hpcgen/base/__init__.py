"""What everything stands on: errors, units, kinds of text, TOML, quoting, paths."""
