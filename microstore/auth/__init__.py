"""Tokens and their keys, passwords, names, addresses of clients, and sealed texts."""
