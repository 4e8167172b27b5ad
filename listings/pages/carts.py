"""A cart: what a visitor means to buy, in a cookie, so that strangers have one and no row is written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from listings.buying.serializers import MAX_ITEMS
from listings.refusals import CartFull

COOKIE = "cart"
KEPT_SECONDS = 30 * 24 * 3600
MOST_OF_ONE = 999_999
# Its key, and then each listing with its quantity, as in `0f….3x2.8x1`: nothing in it needs quoting.
WRITTEN = re.compile(rf"([0-9a-f]{{32}})((?:\.[1-9][0-9]{{0,17}}x[1-9][0-9]{{0,5}}){{1,{MAX_ITEMS}}})")


@dataclass(frozen=True)
class Cart:
    """How many of each listing. The key, another one after each change, makes two clicks one checkout."""

    items: Mapping[int, int] = field(default_factory=dict)
    key: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def read(cls, text: str) -> "Cart":
        """The cart that was written so; an empty one where that is none of ours."""
        written = WRITTEN.fullmatch(text)
        if not written:
            return cls()
        pairs = (item.split("x") for item in written[2].split(".")[1:])
        return cls({int(listing): int(quantity) for listing, quantity in pairs}, written[1])

    def __str__(self) -> str:
        """As it stands in the cookie, and in the form that checks it out."""
        return ".".join([self.key, *(f"{listing}x{quantity}" for listing, quantity in self.items.items())])

    def __len__(self) -> int:
        """How many things are in it."""
        return sum(self.items.values())

    def with_item(self, listing_id: int, quantity: int) -> "Cart":
        """So many of it; none: without it. Raises CartFull."""
        items = dict(self.items) | {listing_id: min(quantity, MOST_OF_ONE)}
        if len(items) > MAX_ITEMS:
            raise CartFull(f"A cart holds {MAX_ITEMS} different things. Buy some of them first.")
        return Cart({each: wanted for each, wanted in items.items() if wanted})

    def minus(self, bought: Mapping[int, int]) -> "Cart":
        """Return the rest of it once so many of each have been bought."""
        left = {listing: quantity - bought.get(listing, 0) for listing, quantity in self.items.items()}
        return Cart({listing: quantity for listing, quantity in left.items() if quantity > 0})


def cart_of(request: HttpRequest) -> Cart:
    """The visitor's."""
    return Cart.read(request.COOKIES.get(COOKIE, ""))


def keep(cart: Cart, response: HttpResponse) -> HttpResponse:
    """Give it to the browser; scripts cannot read it."""
    if cart.items:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(
            COOKIE, str(cart), max_age=KEPT_SECONDS, secure=secure, httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response
