"""Turns a site and a request into a Job."""
