"""ASGI application of the service that MICROSTORE_SERVICE names: its WebSockets and its pages."""

import os
from importlib import import_module
from typing import Any

from microstore.http.worker_signals import end_on_signals

end_on_signals()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  # loading takes a second, signals come before
from django.core.asgi import get_asgi_application  # noqa: E402  # the same
from django.urls import re_path  # noqa: E402  # the same

from microstore.environment import read_settings  # noqa: E402  # the same

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "microstore.settings")
read_settings()
http = get_asgi_application()

from django.conf import settings  # noqa: E402  # the settings are read by get_asgi_application

from microstore.http.max_body import BoundedBodies  # noqa: E402  # the same
from microstore.http.socket_bytes import BoundedSockets  # noqa: E402  # the same
from microstore.http.utf8_requests import Utf8ASGIRequest  # noqa: E402  # the same
from microstore.metrics.exposition import expose  # noqa: E402  # the same

http.request_class = Utf8ASGIRequest


async def refuse_socket(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a WebSocket at an unknown address; Channels raises an exception there."""
    await receive()
    # Accepted first: of a refused handshake a browser learns no code.
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 4404})


routes = [*import_module(f"{settings.SERVICE}.routing").websocket_urlpatterns, re_path("", refuse_socket)]  # type: ignore[arg-type]  # an ASGI app
application = ProtocolTypeRouter(
    {"http": BoundedBodies(http), "websocket": BoundedSockets(URLRouter(routes))}
)
expose(with_database=True)
