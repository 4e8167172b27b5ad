"""The Django app of the listings service."""

from django.apps import AppConfig
from django.conf import settings

from listings.money import ensure_known_currencies


class ListingsConfig(AppConfig):
    name = "listings"
    feeds = "listings.live.frames.FEEDS"  # for the catalogue of messages

    def ready(self) -> None:
        ensure_known_currencies(settings.CURRENCIES)
