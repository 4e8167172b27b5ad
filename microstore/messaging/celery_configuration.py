"""Configuration of the Celery app: Django's settings that begin with `CELERY_`, and no others.

Celery would keep all of Django's settings, and whoever may send remote control reads what it keeps.
"""

import random

from celery.events.event import event_exchange
from django.conf import settings

from microstore.messaging.fast_json import use_fast_json

PREFIX = "CELERY_"


def shuffle_nodes(url: str) -> str:
    """Return the URLs of a broker's nodes, by semicolons, in a random order."""
    nodes = url.split(";")
    return ";".join(random.sample(nodes, len(nodes)))


CONFIGURATION = {
    name.removeprefix(PREFIX).lower(): getattr(settings, name)
    for name in dir(settings)
    if name.startswith(PREFIX)
}
# Celery's own Django fix-up asks for this one by Django's name.
CONFIGURATION["CELERY_DB_REUSE_MAX"] = settings.CELERY_DB_REUSE_MAX
# Workers' events for Flower go to an exchange that the topology has; Celery would declare it at each event.
event_exchange.no_declare = CONFIGURATION["broker_url"].startswith("amqp")
# Of several nodes kombu connects to the first. In an order of its own each process begins with another.
CONFIGURATION["broker_url"] = shuffle_nodes(CONFIGURATION["broker_url"])
use_fast_json()
