"""Verified addresses: whether an account has one, and what needs one."""

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import F, QuerySet
from django.utils.translation import gettext

from listings.models import Profile
from listings.refusals import AddressNotVerified


def verified_users() -> QuerySet[User]:
    """Return the active users whose present address is verified: others get no e-mail but the link for it."""
    return User.objects.filter(is_active=True, profile__verified_email=F("email")).exclude(email="")


def is_verified(user: User) -> bool:
    """Return whether the user's present address is verified."""
    return bool(user.email) and Profile.objects.filter(user=user, verified_email=user.email).exists()


def ensure_may_sell(user: User) -> None:
    """Raise AddressNotVerified where sellers need a verified address and this one has none."""
    if settings.SELLERS_VERIFY_ADDRESS and not is_verified(user):
        raise AddressNotVerified(gettext("Verify your e-mail address before you sell."))
