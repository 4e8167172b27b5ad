"""Second factor of staff: codes of an authenticator app (TOTP) and recovery codes.

A session that has passed the password alone acts as that of a shopper: `acts_as_staff` is False.
"""

import re
import time
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django_otp import login, match_token, user_has_device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

from microstore.database.texts import read_reason
from microstore.staff.actions import record
from microstore.staff.login_guard import address_of, counted_failure

RECOVERY_CODES = 10
SESSION_KEY = "second_factor_key"


def acts_as_staff(user: Any) -> bool:
    """Return whether the user is staff and has passed the second factor, or needs none.

    Without STAFF_SECOND_FACTOR those need it who have enrolled. Accounts of API tokens never pass it.
    """
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return False
    if getattr(user, "otp_device", None) is not None:
        return True
    return not settings.STAFF_SECOND_FACTOR and not has_enrolled(user)


def has_enrolled(user: Any) -> bool:
    """Return whether the user has an authenticator app or recovery codes."""
    return bool(user_has_device(user))


def pass_with_code(request: HttpRequest, code: str) -> bool:
    """Let the session pass with a code of the user's app or one of their recovery codes; each is good once.

    Raises TooManyFailures: wrong codes are limited as wrong passwords are, and each is a staff action.
    """
    with counted_failure(request, f"second factor of {request.user.get_username()}") as attempt:
        device = match_token(request.user, _normalise(code))
        if device is None:
            _record(request, "failed the second factor")
            return False
        attempt.succeeded = True
    recovered = isinstance(device, StaticDevice)
    _pass(request, device, "used a recovery code" if recovered else "passed the second factor")
    return True


def key_to_enrol(request: HttpRequest) -> TOTPDevice:
    """Return the unsaved device of this session, whose key the user's app is given before it is confirmed."""
    # In the session and not in a row of the user: of two sessions with the right password, an attacker's and
    # the owner's, neither must see the key that the other enrols.
    key = request.session.setdefault(SESSION_KEY, default_key())
    return TOTPDevice(user_id=request.user.pk, key=key, name="authenticator app")


def enrol(request: HttpRequest, *, password: str, code: str) -> list[str]:
    """Store the session's device, let the session pass, and return the recovery codes; [] for a wrong code.

    The password is needed again: a session may be another person's, or of before the device was reset.
    Raises TooManyFailures.
    """
    user = authenticate(request, username=request.user.get_username(), password=password)
    device = key_to_enrol(request)
    if user is None or user.pk != request.user.pk or not _fits(device, code):
        _record(request, "failed to enrol a second factor")
        return []
    with transaction.atomic():
        # Locked: of two sessions that enrol at the same moment the second finds the first one's device.
        User.objects.select_for_update().get(pk=user.pk)
        if has_enrolled(user):
            return []
        device.save()
        codes = _make_recovery_codes(user.pk)
        _pass(request, device, "enrolled a second factor")
    del request.session[SESSION_KEY]
    return codes


def reset(user: Any, *, by: str, reason: str) -> bool:
    """Delete the user's app and recovery codes, so that they enrol anew; return False where there are none.

    Sessions that have passed with them have not any more. Raises ReasonMissing.
    """
    reason = read_reason(reason)
    with transaction.atomic():
        if not has_enrolled(user):
            return False
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        record("reset a second factor", by=by, target=f"user {user.pk}", reason=reason)
    return True


def reset_all(users: Iterable[User], *, by: str, reason: str) -> int:
    """Reset each user's second factor; return of how many there was one."""
    return sum(reset(user, by=by, reason=reason) for user in users)


def count_recovery_codes(user: Any) -> int:
    """Return how many recovery codes the user has left."""
    return int(StaticToken.objects.filter(device__user_id=user.pk).count())


def _normalise(code: str) -> str:
    # Apps show codes as `123 456`.
    return "".join(code.split()).replace("-", "").replace("\0", "").lower()[:16]


def _fits(device: TOTPDevice, text: str) -> bool:
    code = _normalise(text)
    if not re.fullmatch("[0-9]{1,8}", code):
        return False
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time()
    fits = totp.verify(int(code), tolerance=device.tolerance)
    device.last_t, device.drift = totp.t(), totp.drift  # the code that confirms it is good once, too
    return bool(fits)


def _make_recovery_codes(user_id: int) -> list[str]:
    device = StaticDevice.objects.create(user_id=user_id, name="recovery codes")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def _pass(request: HttpRequest, device: Any, action: str) -> None:
    login(request, device)
    request.session.cycle_key()  # a session of more rights has another id, as at the log-in
    _record(request, action)


def _record(request: HttpRequest, action: str) -> None:
    record(action, by=request.user.get_username(), address=address_of(request))
