"""Pages of the cart: showing it, changing it and buying all of it."""

from typing import Any, NamedTuple

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from listings.buying import checkout
from listings.buying.offer import Offer, write_offer
from listings.buying.quotes import ItemQuote, add_up, quote_items
from listings.models import Listing
from listings.pages.carts import Cart, cart_of, keep
from listings.pages.limits import limited
from listings.pages.page import read_quantity, redirect_into, render_page, shows_refusals, visitor_id
from listings.queries import visible_listings
from listings.refusals import CheckoutRefused
from listings.stock import ensure_can_buy
from microstore.refusal import Refusal
from microstore.telemetry.tracing import current_trace

NOBODY = 0


class Line(NamedTuple):
    """A row of the cart. `listing` is None if the visitor may not see it; `problem` prevents its purchase.

    `changed` is why the checkout was refused that the visitor may now send again, at the offer of this page.
    """

    listing_id: int
    listing: Listing | None
    quantity: int
    problem: str
    changed: str = ""
    quote: ItemQuote | None = None

    @property
    def offer(self) -> str:
        """Return the offer that the page shows; its form sends it back with the purchase.

        A line with a problem has none: its price is in no total, so it is not bought should the problem pass.
        """
        if self.listing is None or self.problem:
            return ""
        return write_offer(self.listing, self.quote.fee_version if self.quote else "")

    @property
    def cents(self) -> int:
        """Return the price of the whole quantity in minor units, without the fee."""
        return self.listing.price_cents * self.quantity if self.listing else 0


@require_http_methods(["GET", "HEAD", "POST"])
@limited("checkout")
def cart(request: HttpRequest) -> HttpResponse:
    """Show the cart with its totals; a POST buys everything that the form shows, or nothing.

    A quantity that the visitor has changed is kept and shown with its total first, and nothing is bought.
    """
    if request.method != "POST":
        return _show(request)
    # The form's cart and not the cookie's, which another tab may have changed since the page was shown.
    wanted = Cart.read(request.POST.get("cart", ""))
    if changed := _changed_quantities(request, wanted):
        return _keep_changed(request, changed)
    if "update" in request.POST or not wanted.items:
        return redirect("shop:cart")
    if not request.user.is_authenticated:
        return redirect_to_login(reverse("shop:cart"))
    try:
        orders, replayed = checkout.check_out(_checkout(request, wanted))
    except Refusal as error:
        return _show(request, error)
    response = redirect("shop:checkout", orders[0].checkout_id)
    # Only what was bought is taken out; more of it, added in another tab, stays. A second click is replayed:
    # the first has already taken it out, so a cart with another key is left as it is.
    kept = cart_of(request)
    return keep(kept if replayed and kept.key != wanted.key else kept.minus(wanted.items), response)


@require_POST
@shows_refusals
def add(request: HttpRequest, listing_id: str) -> HttpResponse:
    """Add the quantity to the cart, up to the stock that is left."""
    kept, key = cart_of(request), int(listing_id)
    listing = visible_listings(request.user.pk).filter(id=key).first()
    available = ensure_can_buy(listing, buyer_id=request.user.pk or NOBODY, quantity=1).available
    wanted = kept.items.get(key, 0) + read_quantity(request)
    return keep(kept.with_item(key, min(wanted, available)), redirect_into(f"line-{key}", "cart"))


@require_POST
def change(request: HttpRequest, listing_id: str) -> HttpResponse:
    """Replace the quantity of a listing in the cart; 0 removes it."""
    kept, key = cart_of(request), int(listing_id)
    changed = kept.with_item(key, read_quantity(request, least=0)) if key in kept.items else kept
    return keep(changed, redirect_into("lines", "cart"))


def _changed_quantities(request: HttpRequest, wanted: Cart) -> dict[int, int]:
    named = {key: f"quantity-{key}" for key in wanted.items if f"quantity-{key}" in request.POST}
    written = {key: read_quantity(request, name=name, least=0) for key, name in named.items()}
    return {key: quantity for key, quantity in written.items() if quantity != wanted.items[key]}


def _keep_changed(request: HttpRequest, changed: dict[int, int]) -> HttpResponse:
    kept = cart_of(request)
    for key, quantity in changed.items():
        kept = kept.with_item(key, quantity) if key in kept.items else kept
    return keep(kept, redirect(f"{reverse('shop:cart')}?changed=1"))


def _checkout(request: HttpRequest, wanted: Cart) -> checkout.Checkout:
    items = [
        checkout.Item(listing, quantity, Offer.read(request.POST.get(f"seen-{listing}", "")))
        for listing, quantity in wanted.items.items()
    ]
    return checkout.Checkout(
        items=items, buyer_id=visitor_id(request), trace=current_trace(), idempotency_key=wanted.key
    )


def _show(request: HttpRequest, error: Refusal | None = None) -> HttpResponse:
    kept = cart_of(request)
    refused = dict(error.refused.values()) if isinstance(error, CheckoutRefused) else {}
    lines = [
        line if line.problem else line._replace(changed=str(refused.get(line.listing_id, "")))
        for line in _lines(request, kept)
    ]
    lines = _quoted(lines)
    context: dict[str, Any] = {"cart": kept, "lines": lines}
    context["totals"] = add_up([line.quote for line in lines if line.quote])
    context["fee_unknown"] = any(total.fee_cents is None for total in context["totals"])
    context["reason"] = str(error) if error else ""
    context["asks"] = any(line.changed for line in lines)
    return render_page(request, "cart.html", context, status=error.status if error else 200)


def _lines(request: HttpRequest, kept: Cart) -> list[Line]:
    found = visible_listings(request.user.pk).in_bulk(list(kept.items)) if kept.items else {}
    return [_line(key, found.get(key), quantity, request.user.pk) for key, quantity in kept.items.items()]


def _quoted(lines: list[Line]) -> list[Line]:
    wanted = [(line.listing, line.quantity) for line in lines if line.listing and not line.problem]
    quotes = {quote.listing.pk: quote for quote in quote_items(wanted)}
    return [line._replace(quote=quotes.get(line.listing_id)) for line in lines]


def _line(listing_id: int, listing: Listing | None, quantity: int, visitor: int | None) -> Line:
    try:
        ensure_can_buy(listing, buyer_id=visitor or NOBODY, quantity=quantity)
    except Refusal as error:
        return Line(listing_id, listing, quantity, str(error))
    return Line(listing_id, listing, quantity, "")
