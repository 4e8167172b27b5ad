"""API of a seller's balances and ledger, read only."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from microstore.auth.authentication import BalanceAuthentication, account_id
from microstore.http.filters import refuse_unknown
from transactions.ledger import balances
from transactions.ledger.models import Entry, Journal
from transactions.payouts.preparing import minimum_cents

AUTH: Any = [{"token": []}]  # as the other endpoints: the token of the shop's page is no part of the API


class BalanceSerializer(serializers.Serializer[Any]):
    """A seller's balance in one currency. A refund is taken from where the income of its sale is."""

    currency = serializers.CharField()
    pending_cents = serializers.IntegerField(help_text="Income that is still held.")
    available_cents = serializers.IntegerField(help_text="The rest. Negative where refunds exceed it.")
    payout_minimum_cents = serializers.IntegerField(help_text="Available income is paid out from this on.")


class BalancesSerializer(serializers.Serializer[Any]):
    """A seller's balances, and for how long income is held."""

    hold_days = serializers.IntegerField(help_text="Days after a sale until its income is available.")
    payout_every_days = serializers.IntegerField(help_text="Days from a payout to the next in its currency.")
    balances = BalanceSerializer(many=True)


class LineSerializer(serializers.Serializer[Any]):
    """A movement in a seller's ledger."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(Journal.Kind.choices)
    order_id = serializers.UUIDField(allow_null=True)
    currency = serializers.CharField()
    amount_cents = serializers.IntegerField(help_text="Positive: income. Negative: given back.")
    balance_cents = serializers.IntegerField(help_text="Of this currency, after this movement.")
    occurred_at = serializers.DateTimeField()
    available_at = serializers.DateTimeField(help_text="From then on it counts as available.")


class BalanceView(APIView):
    """Read the caller's balances."""

    authentication_classes = (BalanceAuthentication,)

    @extend_schema(auth=AUTH, responses=BalancesSerializer)
    def get(self, request: Request) -> Response:
        """Return what you have as a seller: pending for some days after a sale, then available."""
        refuse_unknown(request, known=())
        shown = [
            balance._asdict() | {"payout_minimum_cents": minimum_cents(balance.currency)}
            for balance in balances.balances_of(account_id(request))
        ]
        days = {"hold_days": settings.HOLD_DAYS, "payout_every_days": settings.PAYOUT_EVERY_DAYS}
        return Response(BalancesSerializer(days | {"balances": shown}).data)


class LedgerView(ListAPIView[Entry]):
    """List the caller's ledger."""

    authentication_classes = (BalanceAuthentication,)
    serializer_class = LineSerializer
    filterset_fields = ("currency",)
    queryset = Entry.objects.none()

    def get_queryset(self) -> QuerySet[Entry]:
        return balances.entries_of(account_id(self.request)).select_related("journal")

    @extend_schema(auth=AUTH)
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        """List the movements of your balances, newest first, each with the balance after it."""
        entries = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        lines = balances.lines_of(account_id(request), entries or [])
        return self.get_paginated_response(LineSerializer(lines, many=True).data)
