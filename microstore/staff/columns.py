"""Columns and fields of the admin: amounts with their currency, and links to another service's admin."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from microstore.staff.money import show_amount


def peer_url(service: str) -> str:
    """Return the address of another service as browsers reach it, without a slash at its end; "" for none."""
    url: str = settings.PEER_ADMIN_URLS.get(service) or settings.PEER_URLS.get(service, "")
    return url.rstrip("/")


def peer_admin_url(service: str) -> str:
    """Return the address of another service's admin as browsers reach it; "" where none is known."""
    url = peer_url(service)
    return f"{url}/admin/" if url else ""


def links_elsewhere() -> dict[str, str]:
    """Return where else staff look, by name: the other services' admins, and what STAFF_LINKS names."""
    peers = {f"Admin of {service}": peer_admin_url(service) for service in settings.PEER_URLS}
    return {**peers, **settings.STAFF_LINKS}


def link_to_peer(service: str, model: str, row_id: object) -> SafeString | str:
    """Return the id as a link to its row in the other service's admin, if that is known; a dash for None."""
    if row_id is None:
        return "-"
    url = peer_admin_url(service)
    return format_html('<a href="{}{}/{}/change/">{}</a>', url, model, row_id, row_id) if url else str(row_id)


def peer_column(service: str, model: str, field: str, *, description: str) -> Callable[..., Any]:
    """Return a method for an admin's forms that shows the row's `field` as a link to the other service."""

    @admin.display(description=description)
    def shown(_admin: Any, row: Any) -> SafeString | str:
        return link_to_peer(service, model, getattr(row, field))

    return shown


def money_column(field: str, *, description: str) -> Callable[..., Any]:
    """Return a method for an admin's lists and forms that shows the row's `field` with its currency."""

    @admin.display(description=description)
    def shown(_admin: Any, row: Any) -> str:
        return show_amount(getattr(row, field), row.currency)

    return shown
