"""Packing: services onto hosts. `solve` is the flow; the other modules are its steps."""
