"""Site and request become a Job."""
