"""Session engine of the pages (SESSION_ENGINE): Django's own, with columns for the owner of a session."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db

from listings.accounts.models import BrowserSession

LOG_IN = "log_in"


class SessionStore(db.SessionStore):
    """Sessions in the table of BrowserSession."""

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        return BrowserSession

    def create_model_instance(self, data: dict[str, Any]) -> BrowserSession:
        # Each save writes all columns anew, so they stand in the data, too.
        row: Any = super().create_model_instance(data)
        row.user_id = data.get(SESSION_KEY)
        for column, value in data.get(LOG_IN, {}).items():
            setattr(row, column, value)
        return row  # type: ignore[no-any-return]  # the stubs know Django's table
