"""Accounts: sessions, profiles and their API."""
