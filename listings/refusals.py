"""Refusals of the listings service: each is a problem type of the API."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext

from microstore.refusal import Refusal, refusal


class ListingNotFound(Refusal):
    """There is no such listing, or it is not on sale."""

    status = HTTPStatus.NOT_FOUND


class SoldOut(Refusal):
    """Fewer are left than were asked for."""

    status = HTTPStatus.CONFLICT


class TooManyPieces(Refusal):
    """One order has so many pieces at most, whatever is in stock."""

    status = HTTPStatus.CONFLICT


class TooManyOpenOrders(Refusal):
    """The buyer has as many pending orders as one may have, of all listings or of this one."""

    status = HTTPStatus.CONFLICT


class PriceChanged(Refusal):
    """The listing costs more, or is sold in another currency, than the buyer has seen."""

    status = HTTPStatus.CONFLICT

    def __init__(self, detail: str, *, offer: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.offer = offer  # the present one: price_cents, currency, etag

    def members(self) -> dict[str, Any]:
        """Return the present offer, to be shown to the buyer and sent with the next attempt."""
        return {"offer": self.offer} if self.offer else {}


class OwnListing(Refusal):
    """Nobody buys from themselves."""

    status = HTTPStatus.FORBIDDEN


class CheckoutRefused(Refusal):
    """Some of its items cannot be had, so nothing was ordered. `refused`: listing and reason, by place."""

    status = HTTPStatus.CONFLICT

    def __init__(self, refused: Mapping[int, tuple[int, Refusal]], *, of: int) -> None:
        can_be_had = all(isinstance(reason, PriceChanged) for _, reason in refused.values())
        if can_be_had:
            text = gettext("{some} of {all} items changed in price; nothing was ordered.")
        else:
            text = gettext("{some} of {all} items cannot be had; nothing was ordered.")
        super().__init__(text.format(some=len(refused), all=of))
        self.refused = refused

    def members(self) -> dict[str, Any]:
        """Which item, and why: each a problem of its own."""
        return {
            "items": [
                {"index": index, "listing": listing_id, **refusal(why_not)}
                for index, (listing_id, why_not) in self.refused.items()
            ]
        }


class CartFull(Refusal):
    """No checkout buys so many different things."""

    status = HTTPStatus.CONFLICT


class KeyReused(Refusal):
    """The idempotency key was used before, for something else."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    # The schema shows each refusal with the first line of its docstring.
    def __init__(self, detail: str = "") -> None:
        super().__init__(
            detail or gettext("This Idempotency-Key was used for another request; use a new one.")
        )


class AccountGone(Refusal):
    """The token is valid, but its user is no more, or is suspended."""

    status = HTTPStatus.UNAUTHORIZED


class WrongCredentials(Refusal):
    """There is no active account with this name and password."""

    status = HTTPStatus.UNAUTHORIZED


class WrongPassword(Refusal):
    """The current password is another one."""

    status = HTTPStatus.FORBIDDEN


class StaffAccount(Refusal):
    """An account of staff is closed by an administrator, and its actions are kept with its name."""

    status = HTTPStatus.CONFLICT


class SessionOver(Refusal):
    """The refresh token is none, was used before, or its session has ended."""

    status = HTTPStatus.UNAUTHORIZED


class SessionNotFound(Refusal):
    """There is no such session, or it is somebody else's, or it has ended."""

    status = HTTPStatus.NOT_FOUND


class LinkOver(Refusal):
    """The link of an e-mail was used before, is too old, or was never sent."""

    status = HTTPStatus.GONE


class AddressNotVerified(Refusal):
    """Sellers have to verify their e-mail address first."""

    status = HTTPStatus.FORBIDDEN


class NotificationNotFound(Refusal):
    """There is no such notification, or it is somebody else's."""

    status = HTTPStatus.NOT_FOUND


class WebhookNotFound(Refusal):
    """There is no such endpoint or delivery, or it is somebody else's."""

    status = HTTPStatus.NOT_FOUND


class SecretJustChanged(Refusal):
    """Two secrets sign, and the receiver may have either: there is no third until `Retry-After`."""

    status = HTTPStatus.CONFLICT

    def __init__(self, detail: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class WebhookOff(Refusal):
    """The endpoint is switched off, so nothing is sent to it."""

    status = HTTPStatus.CONFLICT


class TooManyWebhooks(Refusal):
    """The account has as many endpoints as it may."""

    status = HTTPStatus.CONFLICT


class OrderNotFound(Refusal):
    """There is no such order, or it is others'."""

    status = HTTPStatus.NOT_FOUND


class AlreadySettled(Refusal):
    """The order is no longer pending, so it cannot be cancelled."""

    status = HTTPStatus.CONFLICT


class NotRefundable(Refusal):
    """The order is not completed, or is refunded in whole."""

    status = HTTPStatus.CONFLICT


class RefundTooLarge(Refusal):
    """Less than this is left of what was paid, or of the pieces that were sold."""

    status = HTTPStatus.CONFLICT


class TooManyCancellations(Refusal):
    """The buyer has cancelled so often within the hour that this order has to settle."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class NoBankAccount(Refusal):
    """The caller has given no bank account."""

    status = HTTPStatus.NOT_FOUND


class PayoutsClosed(Refusal):
    """This shop takes no bank accounts: it has no key to seal them with."""

    status = HTTPStatus.CONFLICT


class NotYours(Refusal):
    """Only its seller, or of an order its buyer, may do this."""

    status = HTTPStatus.FORBIDDEN


class WithdrawnByStaff(Refusal):
    """Staff took it off sale, so only staff put it back."""

    status = HTTPStatus.FORBIDDEN


class EditionMissing(Refusal):
    """An edit has to say by If-Match which edition it changes."""

    status = HTTPStatus.PRECONDITION_REQUIRED


class EditionOutdated(Refusal):
    """Somebody has changed the listing since it was read."""

    status = HTTPStatus.PRECONDITION_FAILED


class AlreadyOrdered(Refusal):
    """More is ordered than would be left."""

    status = HTTPStatus.CONFLICT


class TooManyImages(Refusal):
    """The listing has as many images as it may."""

    status = HTTPStatus.CONFLICT


class BadImage(Refusal):
    """The file is no picture that we can read."""

    status = HTTPStatus.BAD_REQUEST


class ImageTooLarge(Refusal):
    """The file has too many bytes or pixels."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class ImagesBusy(Refusal):
    """Other pictures are being decoded; try again shortly."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
