"""Suspending and reinstating of accounts by staff."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext

from listings.accounts.models import AccountDeletion
from listings.accounts.open_sessions import end_all
from listings.live.push import push_reset
from listings.refusals import StaffAccount
from microstore.database.texts import read_reason
from microstore.staff.actions import record

MAY_SUSPEND = "listings.suspend_account"


@transaction.atomic
def set_suspended(user_id: int, suspended: bool, *, by: str, reason: str) -> bool:
    """Suspend or reinstate a shopper's account; return False if it is so already, or deleted for good.

    Raises StaffAccount: administrators alone decide about those.
    """
    reason = read_reason(reason)
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if user.is_staff:
        raise StaffAccount(gettext("This is an account of staff; it is closed by an administrator."))
    if user.is_active != suspended or AccountDeletion.objects.filter(user=user).exists():
        return False
    user.is_active = not suspended
    user.save(update_fields=["is_active"])
    follow_suspension(user)
    record("suspended" if suspended else "reinstated", by=by, target=f"user {user_id}", reason=reason)
    return True


def follow_suspension(user: User) -> None:
    """End the sessions of an account that is no longer active, and have open pages look what is on sale."""
    if not user.is_active:
        end_all(user.pk)
    transaction.on_commit(push_reset)
