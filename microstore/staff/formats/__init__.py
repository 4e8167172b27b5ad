"""Formats in which the admin writes times, by language."""
