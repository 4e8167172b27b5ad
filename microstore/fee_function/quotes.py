"""Fee requests and quotes: their form, and the checks of a quote against its request."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from django.conf import settings
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from microstore.contracts.contract import Currency
from microstore.contracts.transactions import FeeVersion, OrderCreated

# PostgreSQL stores no NUL, neither in text nor in JSON; other control characters are noise in a log.
PLAIN_TEXT = r"^[^\x00-\x08\x0e-\x1f\x7f]*$"
MAX_AMOUNT = 2**62
MAX_BREAKDOWN_ENTRIES = 30
LATER_FIELDS = ("version", "seller_tier")  # of a request, which earlier fee functions do not know

Amount = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]
# From left to right: pydantic's choice of the best match costs twice as much. Strict: 1 is not read as True.
Entry = Annotated[
    Annotated[int, Field(strict=True, ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
    | Annotated[str, Field(strict=True, max_length=200, pattern=PLAIN_TEXT)]
    | Annotated[bool, Field(strict=True)]
    | Annotated[float, Field(strict=True, ge=-MAX_AMOUNT, le=MAX_AMOUNT, allow_inf_nan=False)]
    | None,
    Field(union_mode="left_to_right"),
]
EntryName = Annotated[str, Field(max_length=50, pattern=PLAIN_TEXT)]
Breakdown = Annotated[dict[EntryName, Entry], Field(max_length=MAX_BREAKDOWN_ENTRIES)]


class FeeRequest(NamedTuple):
    """An order as the fee function sees it: no more of it than a fee depends on."""

    order_id: UUID
    price_cents: int
    currency: str
    quantity: int = 1
    category: str | None = None
    version: str = ""  # of the schedule by which the buyer was quoted; empty: the present one
    seller_tier: str = ""

    @classmethod
    def of(cls, order: OrderCreated, *, seller_tier: str = "") -> "FeeRequest":
        """Return the request for an order's fee."""
        category = order.category or None
        return cls(
            order.order_id,
            order.unit_price_cents,
            order.currency,
            order.quantity,
            category,
            order.fee_version,
            seller_tier,
        )

    @property
    def amount_cents(self) -> int:
        """The price of all items together, without the fee."""
        return self.price_cents * self.quantity

    def as_json(self) -> dict[str, Any]:
        """Return the request as plain JSON values."""
        # A fee function without versions refuses the field; from such a one nobody has been quoted any. One
        # without tiers refuses that field: it has to be released before a seller gets a tier.
        fields = {name: value for name, value in self._asdict().items() if name not in LATER_FIELDS or value}
        return fields | {"order_id": str(self.order_id)}


class Quote(BaseModel):
    """The fee of an order, with the rule, and the version of the schedule, that set it.

    The commission is taken from the price that the seller gets; earlier fee functions name none.
    """

    order_id: UUID
    fee_cents: Amount
    total_cents: Amount
    commission_cents: Amount = 0
    rule: Annotated[str, Field(max_length=100, pattern=PLAIN_TEXT)]
    version: FeeVersion = ""
    currency: Currency | None = None
    breakdown: Breakdown = {}
    error: None = None


class RefusedQuote(BaseModel):
    """The reason for which the fee function prices no such order."""

    order_id: UUID
    error: Annotated[str, Field(min_length=1, pattern=PLAIN_TEXT)]
    unknown_version: bool = False  # perhaps another replica knows the schedule
    fee_cents: None = None
    total_cents: None = None


AnyQuote = Quote | RefusedQuote


class Answer(BaseModel):
    """The fee function's answer for a batch."""

    # One fault is enough to refuse the answer; an error for each of a million entries would fill the memory.
    fees: Annotated[list[Annotated[AnyQuote, Field(union_mode="left_to_right")]], Field(fail_fast=True)]


class WrongAnswer(Exception):
    """The answer is malformed, incomplete, or contradicts the request."""


_ANSWER = TypeAdapter(Answer)


def read_quotes(content: bytes, requests: Sequence[FeeRequest]) -> dict[UUID, AnyQuote]:
    """Return the quote for each request, by order id; raise WrongAnswer where one is missing or wrong.

    Quotes for other orders are ignored.
    """
    try:
        quotes = _ANSWER.validate_json(content).fees
    except ValidationError as error:
        raise WrongAnswer(f"The fee function's answer is malformed: {_summary(error)}") from None
    counts = Counter(quote.order_id for quote in quotes)
    by_order = {quote.order_id: quote for quote in quotes}
    for request in requests:
        if counts[request.order_id] != 1:
            raise WrongAnswer(f"It has {counts[request.order_id]} quotes for order {request.order_id}.")
        _check_quote(by_order[request.order_id], request)
    return by_order


def _check_quote(quote: AnyQuote, request: FeeRequest) -> None:
    if isinstance(quote, RefusedQuote):
        return
    if quote.currency not in (None, request.currency):
        raise WrongAnswer(f"Order {request.order_id} is in {request.currency}, its fee in {quote.currency}.")
    if request.version and quote.version != request.version:
        raise WrongAnswer(f"Order {request.order_id} was quoted by {request.version}, not {quote.version}.")
    if quote.total_cents != request.amount_cents + quote.fee_cents:
        raise WrongAnswer(f"The total of order {request.order_id} is not its price and fee.")
    if quote.commission_cents > request.amount_cents:
        raise WrongAnswer(f"The commission of order {request.order_id} is above its price.")
    if quote.fee_cents > max(request.amount_cents, settings.FEES_HIGHEST_CENTS):
        raise WrongAnswer(f"The fee of order {request.order_id} is above its price: {quote.fee_cents}.")


def _summary(error: ValidationError) -> str:
    faults: Iterable[Any] = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)[:300]
