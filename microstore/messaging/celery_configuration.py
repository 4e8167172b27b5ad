"""Configuration of the Celery app: Django's settings that begin with `CELERY_`, and no others.

Celery would keep all of Django's settings, and whoever may send remote control reads what it keeps.
"""

from django.conf import settings

PREFIX = "CELERY_"
CONFIGURATION = {
    name.removeprefix(PREFIX).lower(): getattr(settings, name)
    for name in dir(settings)
    if name.startswith(PREFIX)
}
# Celery's own Django fix-up asks for this one by Django's name.
CONFIGURATION["CELERY_DB_REUSE_MAX"] = settings.CELERY_DB_REUSE_MAX
