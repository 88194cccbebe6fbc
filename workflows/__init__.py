"""Decisions only: which stage comes next, what a failure means, when to stop. Everything else is an activity."""
