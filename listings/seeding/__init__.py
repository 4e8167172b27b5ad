"""The demonstration's data."""
