"""The cost of jobs and of their alternatives."""
