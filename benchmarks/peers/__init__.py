"""Peers: other ways of packing the same problem, each in a process of its own, checked and priced by this package."""
