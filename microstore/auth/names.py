"""Names of accounts: of one script each, and none that looks like another's."""

import unicodedata

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import CharField, F, Func, Q, Value
from django.utils.translation import gettext_lazy

from microstore.database.texts import BLANK, nfkc
from microstore.staff.models import RetiredName

# Scripts that languages mix (Unicode TR 39, 5.2: highly restrictive); Latin is not among them here.
MIXED = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})
ALSO = {"IDEOGRAPHIC": "CJK"}  # the sign that repeats one
# Of the scripts that have the most look-alikes: what languages of today write, without marks.
LETTERS = {
    "LATIN": frozenset("abcdefghijklmnopqrstuvwxyzæøßðđþłœħŋə\u0131"),
    "CYRILLIC": frozenset("абвгдежзиклмнопрстуфхцчшщъыьэюяєѕіјљњђћџґәғқңөұүһҗ"),
    "GREEK": frozenset("αβγδεζηθικλμνξοπρςστυφχψω"),
}
# The others of Unicode's recommended scripts (UAX 31, table 5).
SCRIPTS = {
    *("ARABIC", "ARMENIAN", "BENGALI", "BOPOMOFO", "CJK", "DEVANAGARI", "ETHIOPIC", "GEORGIAN", "GUJARATI"),
    *("GURMUKHI", "HANGUL", "HEBREW", "HIRAGANA", "KANNADA", "KATAKANA", "KHMER", "LAO", "MALAYALAM"),
    *("MYANMAR", "ORIYA", "SINHALA", "TAMIL", "TELUGU", "THAANA", "THAI", "TIBETAN"),
}
MIXED_SCRIPTS = gettext_lazy("Use letters of one alphabet only.")
UNCOMMON = gettext_lazy("Use common letters, the digits 0 to 9 and @ . + - _ only.")
TAKEN = gettext_lazy("This name is taken, or looks like one that is.")


def validate_script(name: str) -> None:
    """Raise ValidationError for a name with letters of several scripts, or with uncommon ones.

    An AppConfig adds it to the field of Django's user, so that forms and commands run it, too.
    """
    normal = nfkc(name)
    scripts = {script_of(each) for each in normal} - {""}
    if len(scripts) > 1 and not any(scripts <= each for each in MIXED):
        raise ValidationError(MIXED_SCRIPTS)
    if not all(map(is_common, normal)):
        raise ValidationError(UNCOMMON)


def is_common(character: str) -> bool:
    """Return whether it is a letter that a language of today writes, an ASCII digit or a sign."""
    if character in BLANK:
        return False
    script = script_of(character)
    if script in LETTERS:
        return unicodedata.normalize("NFKD", character.lower())[0] in LETTERS[script]
    return not script or (script in SCRIPTS and unicodedata.category(character).startswith("L"))


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
    forms = User.objects.alias(folded=folded(F("username")), skeleton=skeleton(F("username")))
    alike = forms.filter(Q(folded=folded(Value(name))) | Q(skeleton=skeleton(Value(name))))
    retired = RetiredName.objects.filter(name_hash__in=[retired_hash(Value(name)), look_hash(Value(name))])
    if (alike if user_id is None else alike.exclude(pk=user_id)).exists() or retired.exists():
        raise ValidationError(TAKEN)


def retire_name(name_hash: str, look: str = "") -> None:
    """Keep the hashes of a deleted account's name, and take the name out of what staff see of log-ins."""
    for each in filter(None, (name_hash, look)):
        RetiredName.objects.get_or_create(name_hash=each)
    with connection.cursor() as cursor:
        cursor.execute("SELECT scrub_log_ins(%s)", [name_hash])


def retired_hash(name: F | Value) -> Func:
    """Return the SQL of the hash by which the name of a deleted account is kept."""
    return Func(name, function="retired_name_hash", output_field=CharField())


def folded(name: F | Value) -> Func:
    """Return the SQL of a name's folded form, which is unique among accounts."""
    return Func(name, function="folded_name", output_field=CharField())


def look_hash(name: F | Value) -> Func:
    """Return the SQL of the hash by which the look of a deleted account's name is kept."""
    return Func(name, function="look_hash", output_field=CharField())


def skeleton(name: F | Value) -> Func:
    """Return the SQL of what a name looks like, by which names of accounts have to differ."""
    return Func(name, function="name_skeleton", output_field=CharField())
