"""Bulk inserts, migration operations and database outages."""
