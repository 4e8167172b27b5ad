"""Commands of `manage.py` for the transactions service."""
