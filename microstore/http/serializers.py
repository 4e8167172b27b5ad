"""Reading requests strictly: what is not understood is refused, never guessed."""

from typing import Any

from rest_framework import serializers

MAX_NAMED = 10  # of the unknown fields, whose names the answer repeats
MAX_NAME = 100  # characters


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer; not a string, a float or a boolean that looks like one."""

    def to_internal_value(self, data: Any) -> int:
        """An int, or an error."""
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """JSON's true or false; not a word or a number that could mean it."""

    def to_internal_value(self, data: Any) -> bool:
        """A bool, or an error."""
        if type(data) is not bool:
            self.fail("invalid", input=data)
        return data


class StrictCharField(serializers.CharField):
    """A JSON string; not a number that could be written as one."""

    def to_internal_value(self, data: Any) -> str:
        """A str, or an error."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class RefuseUnknownFields(serializers.Serializer[Any]):
    """Mixin: a misspelt field is an error, not a silent default."""

    def to_internal_value(self, data: Any) -> Any:
        """As ever, once every field is known."""
        if isinstance(data, dict):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = sorted(map(str, set(data) - known))
            if unknown:
                named = {name[:MAX_NAME]: ["Unknown field."] for name in unknown[:MAX_NAMED]}
                raise serializers.ValidationError(named)
        return super().to_internal_value(data)
