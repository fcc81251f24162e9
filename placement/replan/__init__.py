"""Replanning: how today's placement becomes a plan with few moves, and in which steps a plan is carried out."""
