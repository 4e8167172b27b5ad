"""Strict serializer fields: a value of another type is an error and never converted."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_noop
from rest_framework import serializers

MAX_NAMED = 10  # unknown fields that the response names
MAX_NAME = 100  # characters
# Texts of DRF that pages show: marked here, they have a translation of our own. DRF's German is informal.
SHOWN_ON_PAGES = (
    gettext_noop("Ensure this field has at least {min_length} characters."),
    gettext_noop("Ensure this field has no more than {max_length} characters."),
    gettext_noop("Ensure this value is greater than or equal to {min_value}."),
    gettext_noop("Ensure this value is less than or equal to {max_value}."),
    gettext_noop("Enter a valid email address."),
)


def name_unknown(names: Sequence[str], words: str) -> dict[str, list[str]]:
    """Return the details of a ValidationError about these names, of which the first MAX_NAMED are named."""
    return {name[:MAX_NAME]: [words] for name in names[:MAX_NAMED]}


class StrictIntegerField(serializers.IntegerField):
    """Field for a JSON integer; a string, a float or a boolean is an error."""

    def to_internal_value(self, data: Any) -> int:
        # DRF converts "5" and 5.0, too; and isinstance takes a boolean for an int.
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """Field for JSON's true or false; a string or a number is an error."""

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            self.fail("invalid", input=data)
        return data


class StrictCharField(serializers.CharField):
    """Field for a JSON string; a number is an error, and of one that is too long nothing else is checked."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text = super().to_internal_value(data)
        # DRF would run the other validators, too, whose cost then nothing bounds.
        if self.max_length is not None and len(text) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return text


class StrictEmailField(StrictCharField, serializers.EmailField):
    """Field for an e-mail address."""


class BoundedListField(serializers.ListField):
    """Field for a JSON array; of one that is too long no item is checked, nor named in the response."""

    def run_child_validation(self, data: Any) -> Any:
        if self.max_length is not None and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().run_child_validation(data)


class RefuseUnknownFields(serializers.Serializer[Any]):
    """Mixin that refuses unknown fields: a misspelt one must not become a silent default."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = sorted(map(str, set(data) - known))
            if unknown:
                raise serializers.ValidationError(name_unknown(unknown, "Unknown field."))
        return super().to_internal_value(data)
