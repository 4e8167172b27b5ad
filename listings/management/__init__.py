"""The management commands of the listings service."""
