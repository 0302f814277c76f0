"""A Job becomes text, which is explained, written, submitted or run."""
