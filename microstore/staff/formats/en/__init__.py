"""English formats of the admin."""
