"""Commands of `manage.py` for messages."""
