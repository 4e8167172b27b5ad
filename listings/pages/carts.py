"""The cart, kept in a cookie: it needs neither an account nor a row in the database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from listings.buying.serializers import MAX_ITEMS
from listings.refusals import CartFull

COOKIE = "cart"
KEPT_SECONDS = 30 * 24 * 3600
MOST_OF_ONE = 999_999
# The key, then each listing with its quantity, as in `0f….3x2.8x1`: nothing in it needs quoting in a cookie.
# Digits are bounded, so that a forged cookie holds no number that the database would refuse.
WRITTEN = re.compile(rf"([0-9a-f]{{32}})((?:\.[1-9][0-9]{{0,17}}x[1-9][0-9]{{0,5}}){{1,{MAX_ITEMS}}})")


@dataclass(frozen=True)
class Cart:
    """Quantities by listing id, and the idempotency key of their checkout.

    Every change makes a new key: a second click repeats the checkout, a changed cart is another checkout.
    """

    items: Mapping[int, int] = field(default_factory=dict)
    key: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def read(cls, text: str) -> "Cart":
        """Return the cart that `__str__` wrote, or an empty one if the text is anything else."""
        written = WRITTEN.fullmatch(text)
        if not written:
            return cls()
        pairs = (item.split("x") for item in written[2].split(".")[1:])
        return cls({int(listing): int(quantity) for listing, quantity in pairs}, written[1])

    def __str__(self) -> str:
        # As in the cookie and in the form that checks it out.
        return ".".join([self.key, *(f"{listing}x{quantity}" for listing, quantity in self.items.items())])

    def __len__(self) -> int:
        return sum(self.items.values())

    def with_item(self, listing_id: int, quantity: int) -> "Cart":
        """Return a cart with this quantity of the listing, without it for 0. Raises CartFull."""
        items = dict(self.items) | {listing_id: min(quantity, MOST_OF_ONE)}
        if len(items) > MAX_ITEMS:
            text = gettext("A cart holds up to {most} different items. Buy some of them first.")
            raise CartFull(text.format(most=MAX_ITEMS))
        return Cart({each: wanted for each, wanted in items.items() if wanted})

    def minus(self, bought: Mapping[int, int]) -> "Cart":
        """Return a cart without the quantities bought, by listing id."""
        left = {listing: quantity - bought.get(listing, 0) for listing, quantity in self.items.items()}
        return Cart({listing: quantity for listing, quantity in left.items() if quantity > 0})


def cart_of(request: HttpRequest) -> Cart:
    """Return the cart of the visitor's cookie."""
    return Cart.read(request.COOKIES.get(COOKIE, ""))


def keep(cart: Cart, response: HttpResponse) -> HttpResponse:
    """Set the cart's cookie on the response, or delete it if the cart is empty; return the response."""
    if cart.items:
        secure = settings.SESSION_COOKIE_SECURE
        # HttpOnly: no script of the pages needs it.
        response.set_cookie(
            COOKIE, str(cart), max_age=KEPT_SECONDS, secure=secure, httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response
