"""Bulk inserts, the database's clock, and outages of the database."""
