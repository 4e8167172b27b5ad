"""The Django app of the listings service."""

from django import conf  # not the settings themselves, which read this module while they are made

from listings.money import ensure_known_currencies
from microstore import service


class ListingsConfig(service.ServiceConfig):
    name = "listings"
    login_url = "shop:log-in"
    fast_path = "listings.buying.fast_path.FastPath"
    limits_requests = signs_tokens = True
    session_engine = "listings.accounts.browser_sessions"
    enum_names = {
        "CategoryEnum": "listings.models.Category",
        "ListingStatusEnum": "listings.models.Listing.Status",
        "DeliveryStatusEnum": "listings.models.WebhookDelivery.Status",
        "OrderStatusEnum": "listings.models.Order.Status",
    }
    feeds = "listings.live.frames.FEEDS"  # for the catalogue of messages
    webhooks = "listings.webhooks.catalogue.describe_webhooks"  # for the same

    def ready(self) -> None:
        ensure_known_currencies(conf.settings.CURRENCIES)
        from listings.accounts import history  # noqa: PLC0415  # models are not loaded before

        history.connect()
        super().ready()
