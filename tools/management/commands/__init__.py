"""Commands of `manage.py` for who works on the code."""
