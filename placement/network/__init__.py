"""The network layer: segments and links, a plan's traffic over them, what does not fit, and how it could.

The design is docs/designs/2026-11-28-network.md; what a word means there it means here.
"""
