"""The Django app."""

from django.apps import AppConfig


class ListingsConfig(AppConfig):
    """Listings, orders and live events."""

    name = "listings"
