"""Endpoint for the bank account that the caller's payouts go to."""

import unicodedata
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from stdnum import iban as ibans
from stdnum.exceptions import ValidationError as InvalidNumber

from listings import queries
from listings.accounts.bank_account import find_bank_account
from listings.accounts.bank_account_change import change_bank_account
from listings.catalogue.seller_text import validate_line
from listings.refusals import AccountGone, AddressNotVerified, NoBankAccount, PayoutsClosed, WrongPassword
from microstore.auth.authentication import account_id
from microstore.http.filters import refuse_unknown
from microstore.http.problems import refuses
from microstore.http.serializers import RefuseUnknownFields, StrictCharField
from microstore.refusal import TooManyFailures


def validate_holder(name: str) -> None:
    """Raise ValidationError unless the name has a Latin letter: banks write no other ones."""
    validate_line(name)
    if not any(each.isascii() and each.isalpha() for each in unicodedata.normalize("NFKD", name)):
        raise DjangoValidationError(gettext("Write the name in Latin letters, as your bank has it."))


class BankAccountSerializer(RefuseUnknownFields):
    """A bank account, and the password of its owner."""

    holder = StrictCharField(
        max_length=70, validators=[validate_holder], help_text="Name of its owner, as the bank has it."
    )
    iban = StrictCharField(max_length=42, help_text="Spaces do not matter.")
    password = StrictCharField(max_length=128, trim_whitespace=False, write_only=True)

    def validate_iban(self, number: str) -> str:
        try:
            compact: str = ibans.validate(number)
        except InvalidNumber:
            compact = ""
        # The library takes the check digits in any alphabet, and banks take them in ASCII alone.
        if not compact or not compact.isascii():
            raise serializers.ValidationError(gettext("This is not an IBAN. Please check it."))
        return compact


class ShownAccountSerializer(serializers.Serializer[Any]):
    """The caller's bank account; nobody reads its whole number here again."""

    masked = serializers.CharField(help_text="Country and last four characters of the IBAN.")
    changed_at = serializers.DateTimeField()
    usable_at = serializers.DateTimeField(help_text="Before, no payout is prepared to any account.")


class BankAccountView(APIView):
    """The bank account for payouts of the caller."""

    @extend_schema(responses=ShownAccountSerializer)
    @refuses(NoBankAccount)
    def get(self, request: Request) -> Response:
        """Get your bank account, masked."""
        refuse_unknown(request, known=())
        return Response(ShownAccountSerializer(self._found(request)).data)

    @extend_schema(request=BankAccountSerializer, responses={202: ShownAccountSerializer})
    @refuses(AccountGone, WrongPassword, TooManyFailures, AddressNotVerified, PayoutsClosed)
    def put(self, request: Request) -> Response:
        """Change your bank account, for which your password is needed. You are told by e-mail."""
        body = BankAccountSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = queries.find_account(account_id(request))
        change_bank_account(user, **body.validated_data, request=request)
        return Response(ShownAccountSerializer(self._found(request)).data, status=202)

    def get_throttles(self) -> list[Any]:
        self.throttle_scope = "token" if self.request.method == "PUT" else "read"
        return super().get_throttles()

    def _found(self, request: Request) -> Any:
        found = find_bank_account(account_id(request))
        if found is None:
            raise NoBankAccount("You have given no bank account.")
        return found
