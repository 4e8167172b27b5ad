"""Bulk inserts, loading SQL files, the clock of the database, and its outages."""
