"""Password validator that judges how hard one is to guess."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from zxcvbn import zxcvbn

from microstore.auth.unsafe_settings import MOST_JUDGED
from microstore.database.texts import nfkc

MIN_CHARACTERS = 8
LONG = 12
# Of zxcvbn's scores: 3 is more than 10^8 guesses, 2 more than 10^6.
SCORE_OF_SHORT, SCORE_OF_LONG = 3, 2
HINT = f"{LONG} characters or more, or fewer that nobody would guess."


class StrengthValidator:
    """Django's password validator for length: few characters have to be harder to guess than many."""

    def validate(self, password: str, user: Any = None) -> None:
        password = nfkc(password)
        if len(password) < MIN_CHARACTERS:
            raise ValidationError(
                gettext("It must have at least {least} characters.").format(least=MIN_CHARACTERS)
            )
        own = [text for text in (getattr(user, "username", ""), getattr(user, "email", "")) if text]
        score = zxcvbn(password[:MOST_JUDGED], user_inputs=own)["score"]
        if score < (SCORE_OF_LONG if len(password) >= LONG else SCORE_OF_SHORT):
            raise ValidationError(gettext("It is too easy to guess, even if it is long."))

    def get_help_text(self) -> str:
        return f"Choose {HINT}"
