"""Requests and responses of the accounts API."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User as UserRow
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from listings.accounts import mails
from listings.accounts.addresses import is_verified
from listings.models import Profile
from microstore.auth.addresses import validate_address
from microstore.auth.names import TAKEN, ensure_unlike_others, validate_script
from microstore.http.serializers import (
    RefuseUnknownFields,
    StrictBooleanField,
    StrictCharField,
    StrictEmailField,
)

User = get_user_model()


class UsernameField(StrictCharField):
    """A name as Django stores it (NFKC), so that two spellings of one name are one name."""

    def to_internal_value(self, data: Any) -> str:
        return str(User.normalize_username(super().to_internal_value(data)))


CAROL = {"username": "carol", "email": "carol@shop.example", "password": "a lighthouse in fog"}


@extend_schema_serializer(examples=[OpenApiExample("Carol", CAROL, request_only=True)])
class RegisterSerializer(RefuseUnknownFields):
    """The registration of a user."""

    username = UsernameField(max_length=150, validators=[User.username_validator, validate_script])
    email = StrictEmailField(max_length=254, validators=[validate_address])
    password = StrictCharField(max_length=128, write_only=True, trim_whitespace=False)
    id = serializers.IntegerField(read_only=True)

    def validate_username(self, name: str) -> str:
        ensure_unlike_others(name)
        return name

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # Here rather than at the field: the validators also compare the password with name and address.
        try:
            validate_password(attrs["password"], User(username=attrs["username"], email=attrs["email"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Any:
        # Looked at before: of two registrations at once the second fails at the insert.
        try:
            with transaction.atomic():
                user = User.objects.create_user(**validated_data)
                mails.request_verification(user)
                return user
        except IntegrityError as error:
            raise serializers.ValidationError({"username": [TAKEN]}) from error


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Carol",
            {"username": CAROL["username"], "password": CAROL["password"]},
            request_only=True,
        )
    ]
)
class LogInSerializer(RefuseUnknownFields):
    """The credentials of a user."""

    username = UsernameField(max_length=150)
    password = StrictCharField(max_length=128, trim_whitespace=False)


class RefreshTokenSerializer(RefuseUnknownFields):
    """The session's present refresh token."""

    refresh = StrictCharField(max_length=4_096)


class TokensSerializer(serializers.Serializer[dict[str, str]]):
    """The tokens of a session."""

    access = serializers.CharField(help_text="For `Authorization: Bearer …`; valid for half an hour.")
    refresh = serializers.CharField(help_text="Exchanged for new tokens; valid once, for a week.")


class PasswordSerializer(RefuseUnknownFields):
    """The current and the new password."""

    current = StrictCharField(max_length=128, trim_whitespace=False)
    new = StrictCharField(max_length=128, trim_whitespace=False)


class ProfileSerializer(RefuseUnknownFields):
    """The profile of a user."""

    id = serializers.IntegerField(read_only=True)
    username = serializers.CharField(read_only=True)
    email = StrictEmailField(max_length=254, validators=[validate_address])
    email_verified = serializers.BooleanField(
        read_only=True, help_text="Whether you have opened the link that was sent to `email`."
    )
    email_notifications = StrictBooleanField()
    password = StrictCharField(
        max_length=128,
        trim_whitespace=False,
        write_only=True,
        required=False,
        help_text="Your password, with a new `email`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        before = self.instance and self.instance.email
        if attrs.get("email", before) != before and "password" not in attrs:
            raise serializers.ValidationError(
                {"password": [gettext("Send your password with a new address.")]}
            )
        return attrs

    def to_representation(self, user: UserRow) -> dict[str, Any]:
        # Without a row the user has not chosen, and gets e-mail.
        wanted = Profile.objects.filter(user=user).values_list("email_notifications", flat=True).first()
        chosen = {"email_verified": is_verified(user), "email_notifications": wanted is not False}
        return {"id": user.pk, "username": user.username, "email": user.email} | chosen
