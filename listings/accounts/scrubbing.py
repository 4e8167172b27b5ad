"""Removing a person from the tables of this service; orders keep figures and numbers."""

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F, Q
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from listings.accounts.models import (
    AccountEvent,
    AccountExport,
    AccountMail,
    BankAccount,
    BrowserSession,
    CustomerNote,
    Profile,
    Session,
)
from listings.catalogue.picture_files import discard_files
from listings.models import (
    Listing,
    ListingEdition,
    ListingImage,
    Notification,
    Order,
    Refund,
    Report,
    WebhookEndpoint,
)
from microstore.auth.names import look_hash, retire_name, retired_hash
from microstore.contracts.accounts import ACCOUNT_EXPORTED
from microstore.messaging.dead_letters import scrub

# A contract wants a reason, and the letters stay replayable.
TEXTS = {"title": "", "description": "", "picture": "", "reason": "Deleted."}
EMPTY = {"title": "Deleted listing", "description": ""}
DELETED_NOTICE = "About an order with an account that is deleted."
# But what the hourly bound counts by hashes of addresses: without it the account could be made anew at once.
OWN = (
    *(AccountEvent, AccountExport, AccountMail, BankAccount, BrowserSession, CustomerNote, Profile, Session),
    *(StaticDevice, TOTPDevice),
)


def scrub_person(user_id: int) -> str:
    """Remove name, address and texts of the person, in the caller's transaction; every order is settled.

    Returns the hash by which the name is kept.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT scrub_staff_reasons(%s)", [user_id])
    _scrub_listings(user_id)
    scrub_orders(user_id)
    # Those of e-mails, which are deleted next, quote former addresses, too.
    addresses = AccountMail.objects.filter(user=user).values_list("address", flat=True)
    scrub.redact_words({user.username, user.email, *addresses})
    for model in OWN:
        model.objects.filter(user_id=user_id).delete()
    WebhookEndpoint.objects.filter(owner_id=user_id).delete()
    LogEntry.objects.filter(content_type__model="user", object_id=str(user_id)).delete()
    return _rename(user)


def _scrub_listings(user_id: int) -> None:
    own = Listing.objects.filter(seller_id=user_id)
    # A trigger keeps the edition that was ordered, which is emptied after.
    own.update(status=Listing.Status.WITHDRAWN, withdrawn_reason="", picture=None, **EMPTY)
    editions = ListingEdition.objects.filter(listing__seller_id=user_id)
    pictures = set(editions.exclude(picture=None).values_list("picture_id", flat=True))
    editions.update(picture=None, **EMPTY)
    images = ListingImage.objects.filter(Q(listing__seller_id=user_id) | Q(pk__in=pictures))
    discard_files(images)
    images.delete()
    # Deleting a picture may have made another edition.
    editions.update(picture=None, **EMPTY)
    # Reports by the person, and those of others about the person.
    Report.objects.filter(Q(listing__seller_id=user_id) | Q(reporter_id=user_id)).update(text="")
    # Django's log of the admin names each row by its title.
    ids = [str(each) for each in own.values_list("pk", flat=True)]
    LogEntry.objects.filter(content_type__model="listing", object_id__in=ids).delete()


def scrub_orders(user_id: int) -> None:
    """Remove the person's texts, and those about the person, from orders, notifications and dead letters."""
    own = Q(buyer_id=user_id) | Q(listing__seller_id=user_id)
    orders = Order.objects.filter(own)
    Notification.objects.filter(recipient_id=user_id).delete()
    # The title is the seller's; the reason of a refund may be about the buyer.
    refunded = Q(order__buyer_id=user_id, kind=Notification.Kind.ORDER_REFUNDED)
    # That of a checkout is about its first order, and names a listing of another one, perhaps.
    checkouts = orders.filter(listing__seller_id=user_id).exclude(checkout_id=None).values("checkout_id")
    of_checkout = Q(kind=Notification.Kind.CHECKOUT_SETTLED, order__checkout_id__in=checkouts)
    about = Q(order__listing__seller_id=user_id) | refunded | of_checkout
    Notification.objects.filter(about).update(text=DELETED_NOTICE)
    refunds = Refund.objects.filter(Q(order__in=orders) | Q(requested_by_id=user_id))
    refunds.update(reason=TEXTS["reason"], idempotency_key=None, request_hash="")
    # Not the live events: they hold numbers alone, by which the audit compares them with the orders.
    scrub.scrub_account(user_id, orders, key="id", texts=TEXTS)
    scrub.delete_letters(ACCOUNT_EXPORTED, account_id=user_id)
    # Chosen by the buyer's program, and so perhaps a name; an order that is settled is not repeated.
    Order.objects.filter(buyer_id=user_id).update(idempotency_key=None, request_hash="", reason="")


def _rename(user: User) -> str:
    hashes = User.objects.filter(pk=user.pk).values_list(
        retired_hash(F("username")), look_hash(F("username"))
    )
    [(name_hash, look)] = hashes
    user.groups.clear()
    user.user_permissions.clear()
    # With characters that no name may have, so that nobody has taken it before.
    user.username, user.email = f"(deleted {user.pk})", ""
    user.first_name = user.last_name = ""
    user.last_login = None
    user.save()
    retire_name(name_hash, look)
    return str(name_hash)
