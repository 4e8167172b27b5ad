"""The addresses of the listings service's WebSockets."""

from django.urls import path

from listings.websockets.consumers import ListingsFeed, OrdersFeed

websocket_urlpatterns = [
    path("ws/listings/", ListingsFeed.as_asgi()),  # type: ignore[arg-type]  # an ASGI app, as Channels wants
    path("ws/orders/", OrdersFeed.as_asgi()),  # type: ignore[arg-type]  # the same
]
