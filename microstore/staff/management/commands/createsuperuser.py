"""The command `manage.py createsuperuser`, which accepts what other doors accept, also without a terminal."""

import os
from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from microstore.auth.names import ensure_unlike_others


class Command(createsuperuser.Command):
    """Django's command, with the rules for names, and for passwords from the environment."""

    def handle(self, *args: Any, **options: Any) -> None:
        given = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        if given is not None and not options["interactive"]:
            user = User(username=options["username"] or "", email=options["email"] or "")
            try:
                validate_password(given, user)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from error
        super().handle(*args, **options)

    def _validate_username(self, username: str, verbose_field_name: str, database: str) -> str | None:
        problem: str | None = super()._validate_username(username, verbose_field_name, database)  # type: ignore[misc]  # not in the stubs
        if problem:
            return problem
        try:
            ensure_unlike_others(username)
        except ValidationError as error:
            return " ".join(error.messages)
        return None
