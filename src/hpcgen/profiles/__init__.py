"""Profiles of sites: their tables, and what must hold within one."""
