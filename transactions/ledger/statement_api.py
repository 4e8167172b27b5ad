"""Statements of a seller: the movements of a month as CSV."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from microstore.auth.authentication import BalanceAuthentication, account_id
from microstore.http.filters import refuse_unknown
from microstore.staff.lists import month_of
from microstore.staff.money import in_major_units
from transactions.csv_export import CHUNK_ROWS, Echo, escape_formulas
from transactions.ledger.api import AUTH
from transactions.ledger.balances import Line, entries_of, lines_of
from transactions.ledger.journals import first_journal_since
from transactions.ledger.models import LINES

MONTH = re.compile("(20[0-9]{2})-(0[1-9]|1[0-2])")
COLUMNS = ("id", "occurred_at", "kind", "order_id", "currency", "amount", "balance", "available_at")


class AnyAccepted(BaseContentNegotiation):
    """The file whatever `Accept` says, and problems as everywhere."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]


class StatementView(APIView):
    """Download the caller's ledger of a month."""

    authentication_classes = (BalanceAuthentication,)
    content_negotiation_class = AnyAccepted

    @extend_schema(
        auth=AUTH,
        parameters=[OpenApiParameter("month", required=True, pattern=MONTH.pattern, description="In UTC.")],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return the movements of your balances in a month as CSV, newest first.

        Each has the balance after it. Amounts are in the currency's unit: `249.00` EUR, `5900` JPY.
        """
        refuse_unknown(request, known=("month",))
        month = request.query_params.get("month", "")
        if not (found := MONTH.fullmatch(month)):
            raise ValidationError({"month": ["Use a month such as 2026-11."]})
        first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
        headers = {"Content-Disposition": f'attachment; filename="statement-{month}.csv"'}
        lines = _stream(account_id(request), first)
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _stream(seller_id: int, first: datetime) -> Iterator[str]:
    writer: Any = csv.writer(Echo(), quoting=csv.QUOTE_NONNUMERIC)
    yield writer.writerow(COLUMNS)
    since, until = month_of(first)
    # Entries by their ids, which begin with the number of their journal: the index of the seller has them.
    entries = entries_of(seller_id).filter(
        id__gte=first_journal_since(since) * LINES,
        journal__occurred_at__gte=since,
        journal__occurred_at__lt=until,
    )
    rows = iter(entries.select_related("journal").order_by("-id").iterator(chunk_size=CHUNK_ROWS))
    while part := list(islice(rows, CHUNK_ROWS)):
        for line in lines_of(seller_id, part):
            yield writer.writerow(_cells(line))


def _cells(line: Line) -> list[object]:
    amounts = [in_major_units(cents, line.currency) for cents in (line.amount_cents, line.balance_cents)]
    order_id = str(line.order_id or "")
    texts = escape_formulas([line.occurred_at.isoformat(), line.kind, order_id, line.currency])
    # A negative amount is a number, and stays one.
    return [line.id, *texts, *(f"{amount:f}" for amount in amounts), line.available_at.isoformat()]
