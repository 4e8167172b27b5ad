"""Forms of the admin that overwrite nothing which somebody else has changed since they were opened."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.db.models import Model, QuerySet
from django.forms import ModelForm, model_to_dict

SEEN = "_seen"
CHANGED = (
    "Changed by somebody else meanwhile: {fields}. Nothing is saved. Open the page again to read it, or save"
    " again to replace it by what you see here."
)


def hash_values(form: "ModelForm[Any]", rows: QuerySet[Any]) -> list[str]:
    """Return `field:hash` for each value of the row in the database that the form writes."""
    written = [name for name, field in form.fields.items() if not field.disabled]
    values = model_to_dict(rows.get(pk=form.instance.pk), fields=written)
    return [f"{name}:{_hash(value)}" for name, value in sorted(values.items())]


def _hash(value: Any) -> str:
    rows = isinstance(value, Iterable) and not isinstance(value, str)
    shown = sorted(row.pk if isinstance(row, Model) else row for row in value) if rows else value
    return sha256(repr(shown).encode()).hexdigest()[:16]


class SeenValues:
    """Mixin of a form that is not valid where the values with which it was opened have changed since.

    One without the field SEEN is not compared.
    """

    def clean(self: Any) -> Any:
        given = super().clean()  # type: ignore[misc]  # the form's
        if SEEN in self.data and not self.instance._state.adding:
            # Locked until the change is committed, so that nobody else's comes in between.
            rows = type(self.instance)._default_manager.select_for_update(no_key=True)
            seen = set(self.data[SEEN].split())
            names = [each.partition(":")[0] for each in hash_values(self, rows) if each not in seen]
            if names:
                fields = ", ".join(str(self.fields[name].label).lower() for name in names)
                self.add_error(None, CHANGED.format(fields=fields))
        return given
