"""Receiving: the Celery worker, its consumer and the checks of each message."""
