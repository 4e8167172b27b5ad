"""Serializers of listings, their pictures and categories."""

from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from listings.accounts.addresses import ensure_may_sell
from listings.catalogue.seller_text import validate_line, validate_paragraphs
from listings.models import MAX_PRICE_CENTS, MAX_QUANTITY, Category, Listing, ListingImage
from listings.money import validate_currency
from microstore.http.serializers import (
    BoundedListField,
    RefuseUnknownFields,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
)


@extend_schema_field({"type": "string", "enum": settings.CURRENCIES})
class CurrencyField(StrictCharField):
    """ISO 4217 code of a currency in the setting CURRENCIES."""


class ImageOrderSerializer(RefuseUnknownFields, serializers.Serializer[Any]):
    """The ids of all pictures of a listing, the first one first."""

    images = BoundedListField(child=StrictIntegerField(min_value=1, max_value=2**63 - 1), max_length=100)


class UploadSerializer(serializers.Serializer[Any]):
    """Multipart form with one picture."""

    image = extend_schema_field(OpenApiTypes.BINARY)(serializers.FileField)()


class AbsoluteURLField(serializers.URLField):
    """Address of this service, with its host where there is a request."""

    def to_representation(self, value: str) -> str:
        request = self.context.get("request")
        return str(request.build_absolute_uri(value)) if request else value


class ListingImageSerializer(serializers.ModelSerializer[ListingImage]):
    """A picture of a listing and the URLs of its two JPEGs: of a listing off sale they need a log-in."""

    url = AbsoluteURLField(source="large_url", read_only=True)
    thumbnail_url = AbsoluteURLField(source="small_url", read_only=True)

    class Meta:
        model = ListingImage
        fields = ("id", "url", "thumbnail_url", "width", "height")
        read_only_fields = ("id", "width", "height")


class CategorySerializer(serializers.Serializer[Any]):
    """A category of listings and its English name."""

    id = serializers.ChoiceField(Category.choices)
    name = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An armchair",
            {
                "title": "Crunchy armchair",
                "description": "It sounds like autumn leaves.",
                "category": "furniture",
                "price_cents": 24_900,
                "currency": "EUR",
                "quantity": 3,
            },
            request_only=True,
        )
    ]
)
class ListingSerializer(RefuseUnknownFields, serializers.ModelSerializer[Listing]):
    """A listing; the account that creates it becomes its `seller`."""

    title = StrictCharField(max_length=200, validators=[validate_line])
    description = StrictCharField(
        max_length=10_000, required=False, allow_blank=True, validators=[validate_paragraphs]
    )
    category = serializers.ChoiceField(Category.choices, required=False)
    price_cents = StrictIntegerField(min_value=1, max_value=MAX_PRICE_CENTS)
    currency = CurrencyField(max_length=3, validators=[validate_currency])
    quantity = StrictIntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)
    draft = StrictBooleanField(write_only=True, default=False)
    seller = serializers.CharField(source="seller.username", read_only=True)
    images = ListingImageSerializer(many=True, read_only=True)

    class Meta:
        model = Listing
        fields = (
            *("id", "title", "description", "category", "price_cents", "currency", "quantity", "available"),
            *("status", "draft", "seller", "seller_id", "images", "created_at", "updated_at"),
        )
        read_only_fields = ("id", "available", "status", "seller_id", "created_at", "updated_at")

    def create(self, validated_data: dict[str, Any]) -> Listing:
        ensure_may_sell(validated_data["seller"])
        draft = validated_data.pop("draft")
        status = Listing.Status.DRAFT if draft else Listing.Status.ON_SALE
        return Listing.objects.create(**validated_data, status=status, available=validated_data["quantity"])


@extend_schema_serializer(
    examples=[
        OpenApiExample("Cheaper, and two more", {"price_cents": 19_900, "quantity": 5}, request_only=True)
    ]
)
class EditListingSerializer(ListingSerializer):
    """Fields of a listing that its seller may change."""

    draft = None  # type: ignore[assignment]  # publishing and withdrawing are endpoints of their own

    class Meta(ListingSerializer.Meta):
        fields = tuple(name for name in ListingSerializer.Meta.fields if name != "draft")  # type: ignore[assignment]  # one fewer
