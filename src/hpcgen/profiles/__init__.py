"""Profiles of sites: their tables, and the rules for them."""
