"""Texts of notifications and e-mails. No subject has text that somebody could choose."""

from typing import NamedTuple, TypeAlias

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from listings.accounts.models import AccountMail
from listings.money import LOCALE, format_amount_in
from listings.notifications.models import Notification
from microstore.staff.money import show_amount

Kind: TypeAlias = Notification.Kind
Role: TypeAlias = Notification.Role

TEXTS = {
    (Kind.ORDER_COMPLETED, Role.BUYER): _("You bought {thing} for {total}."),
    (Kind.ORDER_COMPLETED, Role.SELLER): _("You sold {thing}."),
    (Kind.ORDER_REJECTED, Role.BUYER): _("Your order of {thing} was rejected: {reason}."),
    (Kind.ORDER_REJECTED, Role.SELLER): _("An order of {thing} was rejected: {reason}. It is on sale again."),
    (Kind.ORDER_CANCELLED, Role.BUYER): _("You cancelled your order of {thing}."),
    (Kind.ORDER_CANCELLED, Role.SELLER): _("An order of {thing} was cancelled. It is on sale again."),
    (Kind.ORDER_REFUNDED, Role.BUYER): _("{refunded} of your order of {thing} were refunded: {reason}."),
    (Kind.ORDER_REFUNDED, Role.SELLER): _("{refunded} of a sale of {thing} were refunded: {reason}."),
}
SUBJECTS = {
    (Kind.ORDER_COMPLETED, Role.BUYER): _("Your purchase"),
    (Kind.ORDER_COMPLETED, Role.SELLER): _("A sale"),
    (Kind.ORDER_REJECTED, Role.BUYER): _("Your order was rejected"),
    (Kind.ORDER_REJECTED, Role.SELLER): _("An order was rejected"),
    (Kind.ORDER_CANCELLED, Role.BUYER): _("Your order is cancelled"),
    (Kind.ORDER_CANCELLED, Role.SELLER): _("An order was cancelled"),
    (Kind.ORDER_REFUNDED, Role.BUYER): _("Your refund"),
    (Kind.ORDER_REFUNDED, Role.SELLER): _("A refund"),
    (Kind.CHECKOUT_SETTLED, Role.BUYER): _("Your purchase"),
}


class AccountText(NamedTuple):
    """Subject, paragraphs and, where there is a link, what it does."""

    subject: str
    paragraphs: tuple[str, ...]
    action: str = ""


ACCOUNT_TEXTS = {
    AccountMail.Kind.VERIFY_ADDRESS: AccountText(
        _("Confirm your e-mail address"),
        (
            _("Somebody gave this e-mail address for an account at MicroStore. If it was you, confirm it."),
            _("The link is valid for three days. Until you confirm, we send you no other e-mail."),
            _("If it was not you, do nothing."),
        ),
        _("Confirm the address"),
    ),
    AccountMail.Kind.RESET_PASSWORD: AccountText(
        _("Choose a new password"),
        (
            _("Somebody asked for a new password for your account at MicroStore. If it was you, choose one."),
            _("The link is valid for one hour and works once. You are then logged out everywhere."),
            _("If it was not you, do nothing: your password stays as it is."),
        ),
        _("Choose a new password"),
    ),
    AccountMail.Kind.ADDRESS_CHANGED: AccountText(
        _("Your e-mail address was changed"),
        (
            _("Your account at MicroStore has another e-mail address now, and this one gets no more e-mail."),
            _("If it was not you, somebody knows your password. Please write to us."),
        ),
    ),
    AccountMail.Kind.PASSWORD_CHANGED: AccountText(
        _("Your password was changed"),
        (
            _("The password of your account at MicroStore was changed, and all other sessions were ended."),
            _("If it was not you, ask for a new password at once."),
        ),
    ),
    AccountMail.Kind.BANK_ACCOUNT_CHANGED: AccountText(
        _("Your bank account for payouts was changed"),
        (
            _(
                "The bank account for your payouts from MicroStore was changed."
                " For some days nothing is paid."
            ),
            _("If it was not you, choose a new password at once, and give your own bank account again."),
        ),
    ),
    AccountMail.Kind.WEBHOOK_OFF: AccountText(
        _("A webhook was switched off"),
        (
            _(
                "A webhook of your account was switched off:"
                " its address accepts nothing, or reports that it is gone."
            ),
            _("Events that wait for it are kept for a month and sent once you switch it on again."),
        ),
        _("Look at your webhooks"),
    ),
    AccountMail.Kind.DIGEST: AccountText(
        _("More news of your orders and sales"),
        (_("There were too many for an e-mail each: {held} more notifications wait for you."),),
        _("Read them"),
    ),
}


def write_amount(cents: int, currency: str, language: str | None) -> str:
    """Return an amount as texts in the language have it; no language is English."""
    # Babel takes a tenth of a millisecond, and every purchase has two texts: in English a number and a code
    # do as well. In German `26.404 KWD` is twenty-six thousand.
    if not language or language == LOCALE:
        return show_amount(cents, currency)
    return format_amount_in(language, cents, currency)


def subject_of(notification: Notification) -> str:
    """Return the subject of the notification's e-mail."""
    return gettext(SUBJECTS[Kind(notification.kind), Role(notification.role)])
