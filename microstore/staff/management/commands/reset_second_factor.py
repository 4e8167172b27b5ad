"""Command `manage.py reset_second_factor NAME`: for staff who have lost phone and recovery codes."""

import getpass
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.database.texts import ReasonMissing
from microstore.staff import second_factor


class Command(BaseCommand):
    """Reset of a second factor where no superuser can log in to do it in the admin."""

    help = "Delete somebody's authenticator app and recovery codes; at the next log-in they enrol anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the user")
        parser.add_argument("--reason", required=True, help="kept with the record of this action")

    def handle(self, *args: Any, name: str, reason: str, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r} in this service.")
        try:
            was_reset = second_factor.reset(user, by=f"{getpass.getuser()} (command line)", reason=reason)
        except ReasonMissing as missing:
            raise CommandError(str(missing)) from None
        self.stdout.write(f"{name} enrols anew at the next log-in." if was_reset else f"{name} has none.")
