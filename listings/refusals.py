"""Why a purchase is refused."""

from http import HTTPStatus

from microstore.problems import Refusal


class ListingNotFound(Refusal):
    """There is no such listing, or it is not on sale."""

    status = HTTPStatus.NOT_FOUND


class SoldOut(Refusal):
    """Fewer are left than were asked for."""

    status = HTTPStatus.CONFLICT


class OwnListing(Refusal):
    """Nobody buys from themselves."""

    status = HTTPStatus.FORBIDDEN


class KeyReused(Refusal):
    """The idempotency key was used before, for something else."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AccountGone(Refusal):
    """The token is valid, but its user is no more."""

    status = HTTPStatus.UNAUTHORIZED
