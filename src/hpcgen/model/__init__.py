"""The neutral model of a job, and all arithmetic of its components."""
