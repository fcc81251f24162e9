"""Fleets: what must run; schema, readers, generator."""
