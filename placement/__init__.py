"""Placement: where every service of a fleet goes, at the lowest cost, with a proof."""
