"""The addresses of the transactions service's WebSockets: it has none."""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
