"""What the API takes and gives."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import IntegrityError, transaction
from rest_framework import serializers
from rest_framework.validators import UniqueValidator
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.serializers import TokenRefreshSerializer

from listings.models import MAX_PRICE_CENTS, MAX_QUANTITY, Category, Listing, Order
from microstore.serializers import RefuseUnknownFields, StrictCharField, StrictIntegerField

User = get_user_model()


class UsernameField(StrictCharField):
    """A name as Django stores it (NFKC), so that two spellings of one name are one name."""

    def to_internal_value(self, data: Any) -> str:
        """The normalised name."""
        return str(User.normalize_username(super().to_internal_value(data)))


class RegisterSerializer(RefuseUnknownFields):
    """A new account."""

    username = UsernameField(
        max_length=150, validators=[User.username_validator, UniqueValidator(User.objects.all())]
    )
    email = serializers.EmailField(max_length=254)
    password = StrictCharField(max_length=128, write_only=True, trim_whitespace=False)
    id = serializers.IntegerField(read_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Django's password validators, which also compare it with the name and the address."""
        try:
            validate_password(attrs["password"], User(username=attrs["username"], email=attrs["email"]))
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Any:
        """The user, with a hashed password."""
        try:
            with transaction.atomic():
                return User.objects.create_user(**validated_data)
        except IntegrityError as error:
            raise serializers.ValidationError({"username": ["This name was taken a moment ago."]}) from error


class RefreshSerializer(TokenRefreshSerializer):
    """A refresh token of an account that is still there."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """The new tokens."""
        try:
            return super().validate(attrs)
        except User.DoesNotExist as error:
            raise InvalidToken({"detail": "The account of this token no longer exists."}) from error


class ListingSerializer(RefuseUnknownFields, serializers.ModelSerializer[Listing]):
    """A listing; `seller` is whoever makes it."""

    title = StrictCharField(max_length=200)
    description = StrictCharField(max_length=10_000, required=False, allow_blank=True)
    category = serializers.ChoiceField(Category.choices, required=False)
    price_cents = StrictIntegerField(min_value=1, max_value=MAX_PRICE_CENTS)
    currency = StrictCharField(max_length=3)
    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)
    draft = serializers.BooleanField(write_only=True, default=False)
    seller = serializers.CharField(source="seller.username", read_only=True)

    class Meta:
        model = Listing
        fields = (
            *("id", "title", "description", "category", "price_cents", "currency", "quantity", "available"),
            *("status", "draft", "seller", "seller_id", "created_at", "updated_at"),
        )
        read_only_fields = ("id", "available", "status", "seller_id", "created_at", "updated_at")

    def validate_currency(self, currency: str) -> str:
        """Only currencies that the shop deals in."""
        if currency not in settings.CURRENCIES:
            raise serializers.ValidationError(f"Use one of {', '.join(settings.CURRENCIES)}.")
        return currency

    def create(self, validated_data: dict[str, Any]) -> Listing:
        """On sale at once, unless it is a draft."""
        draft = validated_data.pop("draft")
        status = Listing.Status.DRAFT if draft else Listing.Status.ON_SALE
        return Listing.objects.create(**validated_data, status=status, available=validated_data["quantity"])


class BuySerializer(RefuseUnknownFields):
    """How many."""

    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)


class AcceptedOrderSerializer(serializers.Serializer[dict[str, Any]]):
    """The answer to a purchase: always the first one, however often it is asked for again."""

    id = serializers.UUIDField()
    status = serializers.CharField()
    status_url = serializers.CharField()
    trace_id = serializers.CharField()


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order as its buyer and its seller see it."""

    trace_id = serializers.CharField(read_only=True)

    class Meta:
        model = Order
        fields = (
            *("id", "status", "listing", "checkout_id", "quantity", "unit_price_cents", "currency"),
            *("fee_cents", "total_cents", "transaction_id", "reason", "trace_id", "buyer_id"),
            *("created_at", "settled_at"),
        )
        read_only_fields = fields
