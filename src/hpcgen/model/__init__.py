"""The neutral model of a job, and the arithmetic of its components."""
