"""Rules of where webhooks may go: of URLs when they are given, of addresses when they are connected to.

A name may resolve to another address at every look, so the rule that protects is `ensure_allowed`, which sees
the addresses of the very connection that is made.
"""

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext

PORTS = (443, 8443)
GLOBAL_UNICAST = ip_network("2000::/3")
# Inside global unicast, and yet no host of the public internet: Teredo and its like, 6to4, documentation.
SPECIAL = tuple(ip_network(each) for each in ("2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20"))
# The clouds' own services that have public addresses, and the anycast relay of 6to4.
SPECIAL_V4 = tuple(ip_network(each) for each in ("168.63.129.16/32", "192.88.99.0/24"))
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*\.?", re.IGNORECASE)
VISIBLE = re.compile(r"[\x21-\x7e]+")


class Forbidden(Exception):
    """A webhook may not go to this address."""


def check_url(url: str) -> str:
    """Return the URL; raise Forbidden where it cannot be that of an endpoint. Resolves no name."""
    if not VISIBLE.fullmatch(url) or "\\" in url:
        raise Forbidden(gettext("Give an address of visible ASCII characters."))
    try:
        parts = urlsplit(url)
        _ = parts.port  # read here, where one that is no number is refused
    except ValueError:
        raise Forbidden(gettext("The address cannot be read.")) from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise Forbidden(gettext("The address has to begin with https:// and a host."))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Forbidden(gettext("The address may have neither a user nor a password nor a fragment."))
    literal = _literal(parts.hostname)
    if literal:
        ensure_allowed([literal], scheme=parts.scheme, port=port_of(parts))
    elif not HOST.fullmatch(parts.hostname):
        raise Forbidden(gettext("The host is no name that can be looked up."))
    elif not settings.WEBHOOK_NETWORKS and (parts.scheme != "https" or port_of(parts) not in PORTS):
        text = gettext("The address has to begin with https:// and have port {ports}.")
        raise Forbidden(text.format(ports=gettext(" or ").join(map(str, PORTS))))
    return url


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL, by default that of its scheme."""
    return parts.port or {"https": 443, "http": 80}[parts.scheme]


def ensure_allowed(addresses: Sequence[str], *, scheme: str, port: int) -> None:
    """Raise Forbidden unless each of the addresses is public, and called by HTTPS at a port for it.

    Addresses in WEBHOOK_NETWORKS are called in any way.
    """
    for text in addresses:
        address = ip_address(text.partition("%")[0])
        if any(address in ip_network(each) for each in settings.WEBHOOK_NETWORKS):
            continue
        if not is_public(address):
            raise Forbidden(gettext("{address} is no public address.").format(address=address))
        if scheme != "https" or port not in PORTS:
            said = gettext("A public address is called by HTTPS at port {ports} only.")
            raise Forbidden(said.format(ports=gettext(" or ").join(map(str, PORTS))))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether the address is that of a host of the public internet."""
    if isinstance(address, IPv6Address):
        # Neither mapped nor translated IPv4 (::ffff:0:0/96, 64:ff9b::/96) is global unicast: what lies behind
        # such an address is another one, which nobody has checked.
        return (
            address in GLOBAL_UNICAST and address.is_global and not any(address in each for each in SPECIAL)
        )
    # `is_global` alone counts multicast as global.
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in each for each in SPECIAL_V4)
    )


def _literal(host: str) -> str:
    """Return the address that the host is, "" where it is a name; 0x7f.1 and 017700000001 are addresses."""
    try:
        return str(ip_address(host.partition("%")[0].rstrip(".")))
    except ValueError:
        pass
    try:
        # What the resolver does with numbers of any base, and it asks nobody.
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return ""
