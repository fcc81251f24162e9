"""Benchmarks: cases in a registry, one driver, results with the machine named. ``python -m benchmarks --help``."""
