"""Compares both databases and the broker from outside, and reports where the two services disagree."""
