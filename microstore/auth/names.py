"""Names of accounts: of one script each, and none that looks like another's."""

import unicodedata

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import CharField, F, Func, Value
from django.utils.translation import gettext_lazy

from microstore.database.texts import nfkc
from microstore.staff.models import RetiredName

# Scripts that languages mix (Unicode TR 39, 5.2: highly restrictive); Latin is not among them here.
MIXED = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})
ALSO = {"IDEOGRAPHIC": "CJK"}  # the sign that repeats one
MIXED_SCRIPTS = gettext_lazy("Use letters of one alphabet only.")
TAKEN = gettext_lazy("This name is taken, or looks like one that is.")


def validate_script(name: str) -> None:
    """Raise ValidationError for a name with letters of several scripts.

    An AppConfig adds it to the field of Django's user, so that forms and commands run it, too.
    """
    scripts = {script_of(each) for each in nfkc(name)} - {""}
    if len(scripts) > 1 and not any(scripts <= each for each in MIXED):
        raise ValidationError(MIXED_SCRIPTS)


def script_of(character: str) -> str:
    """Return the script of a letter or digit as Unicode's names begin; empty for what all scripts use."""
    if not character.isalnum() or (character.isascii() and character.isdecimal()):
        return ""
    # "KATAKANA-HIRAGANA PROLONGED SOUND MARK" and "ARABIC-INDIC DIGIT ONE" count as the first of the two.
    first = unicodedata.name(character, "NONE").split(" ")[0].split("-")[0]
    return ALSO.get(first, first)


def ensure_unlike_others(name: str, *, user_id: int | None = None) -> None:
    """Raise ValidationError where another account's name looks like this one.

    Names of deleted accounts count, too. A unique index and a trigger hold it for two at the same moment, and
    for whatever does not come here.
    """
    alike = User.objects.alias(folded=folded(F("username"))).filter(folded=folded(Value(name)))
    retired = RetiredName.objects.filter(name_hash=retired_hash(Value(name)))
    if (alike if user_id is None else alike.exclude(pk=user_id)).exists() or retired.exists():
        raise ValidationError(TAKEN)


def retire_name(name_hash: str) -> None:
    """Keep the hash of a deleted account's name, and take the name out of what staff see of log-ins."""
    RetiredName.objects.get_or_create(name_hash=name_hash)
    with connection.cursor() as cursor:
        cursor.execute("SELECT scrub_log_ins(%s)", [name_hash])


def retired_hash(name: F | Value) -> Func:
    """Return the SQL of the hash by which the name of a deleted account is kept."""
    return Func(name, function="retired_name_hash", output_field=CharField())


def folded(name: F | Value) -> Func:
    """Return the SQL of a name's folded form, which is unique among accounts."""
    return Func(name, function="folded_name", output_field=CharField())
