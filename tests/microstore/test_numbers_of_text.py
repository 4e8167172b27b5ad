"""No text of a request becomes a number before its form was checked: 1e999997 is short and costly."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {"int", "float", "Decimal", "Fraction", "complex"}
PACKAGES = ("microstore", "listings", "transactions")
NOT_ON_REQUEST = ("migrations", "management", "seeding")
FORM = "a regular expression or isdecimal() with a bound on its length was met first"
ADDRESS = "the URL pattern takes at most 19 digits"
OURS = "made by this service or by PostgreSQL, not by a client"
# Every call that makes a number, by file and function, and why the text that it takes is bounded.
CHECKED = {
    "listings/admin.py _read_refund": OURS,
    "listings/buying/api.py post": ADDRESS,
    "listings/buying/fast_path.py": FORM,
    "listings/buying/offer.py read": FORM,
    "listings/buying/quote_api.py _read_quantity": FORM,
    "listings/buying/quote_api.py get": ADDRESS,
    "listings/catalogue/api.py _own": ADDRESS,
    "listings/catalogue/etags.py known_editions": FORM,
    "listings/catalogue/filters.py filter_max_price": "WholeNumberField has checked it",
    "listings/catalogue/filters.py filter_min_price": "WholeNumberField has checked it",
    "listings/catalogue/image_api.py delete": ADDRESS,
    "listings/catalogue/image_api.py get": ADDRESS,
    "listings/catalogue/image_api.py post": ADDRESS,
    "listings/catalogue/image_api.py put": ADDRESS,
    "listings/pages/catalogue.py total": FORM,
    "listings/money.py _scaled": FORM,
    "listings/notifications/api.py read": ADDRESS,
    "listings/pages/cart.py add": ADDRESS,
    "listings/pages/cart.py change": ADDRESS,
    "listings/pages/carts.py read": FORM,
    "listings/pages/catalogue.py buy": ADDRESS,
    "listings/pages/catalogue.py listing_page": FORM,
    "listings/pages/catalogue.py stock": FORM,
    "listings/pages/listing_form.py as_api": FORM,
    "listings/pages/notifications.py mark_read": ADDRESS,
    "listings/pages/own_listings.py _edition": FORM,
    "listings/pages/own_listings.py add_picture": ADDRESS,
    "listings/pages/own_listings.py edit": ADDRESS,
    "listings/pages/own_listings.py move_picture": ADDRESS,
    "listings/pages/own_listings.py remove_picture": ADDRESS,
    "listings/pages/own_listings.py set_sale": ADDRESS,
    "listings/pages/page.py read_quantity": FORM,
    "listings/pages/queries.py name_of_seller": FORM,
    "listings/pages/selling.py sales": FORM,
    "listings/websockets/admission.py read_after": FORM,
    "listings/accounts/customer.py customer_page": "the URL pattern takes at most 9 digits",
    "listings/catalogue/report_api.py post": ADDRESS,
    "listings/pages/refunds.py _as_api": FORM,
    "transactions/ledger/admin.py find": FORM,
    "transactions/ledger/statement_api.py get": FORM,
    "transactions/payouts/provider.py sign": OURS,
    "transactions/payouts/statements.py _parse": FORM,
    "listings/pages/webhooks.py redeliver_webhook": ADDRESS,
    "listings/webhooks/api.py _own_delivery": ADDRESS,
    "listings/webhooks/post.py read_seconds": FORM,
    "listings/webhooks/post.py sign": OURS,
    "microstore/auth/authentication.py account_id": "of a token that we have signed",
    "microstore/auth/keys.py __init__": OURS,
    "microstore/contracts/samples.py releases": "names of folders in this repository",
    "microstore/http/limits.py count": OURS,
    "microstore/http/limits.py parse_quota": OURS,
    "microstore/http/max_body.py _find_ignored": FORM,
    "microstore/http/max_body.py _is_too_large": FORM,
    "microstore/http/max_body.py find_fault": FORM,
    "microstore/http/pagination.py get_page_size": FORM,
    "microstore/http/problem_schema.py problems": OURS,
    "microstore/http/slow_bodies.py __call__": OURS,
    "microstore/http/slow_bodies.py own_sockets": OURS,
    "microstore/http/socket_bytes.py received_bytes": OURS,
    "microstore/http/socket_bytes.py resident_bytes": OURS,
    "microstore/messaging/admin.py read_ids": FORM,
    "microstore/environment.py read_seconds": "float() takes no longer for more; operators write it",
    "microstore/messaging/admin.py read_rate": "float() takes no longer for more, and staff alone come here",
    "microstore/messaging/dead_letters/store.py dead_letter_unread": "of a header that the broker counts",
    "microstore/messaging/receiving/celery_worker.py _delay": "the seconds between two times",
    "microstore/staff/admin.py find": FORM,
    "microstore/database/admin_lists.py count": OURS,
    "microstore/database/admin_lists.py get_search_results": FORM,
    "microstore/staff/lists.py first_id_at": OURS,
    "microstore/staff/money.py in_major_units": OURS,
    "microstore/staff/overview.py age": OURS,
    "microstore/staff/second_factor.py _fits": FORM,
    "microstore/staff/second_factor.py count_recovery_codes": OURS,
    "microstore/staff/peers.py _read": "of another of our services",
    "microstore/telemetry/otel_export.py": FORM,
    "transactions/gauges.py _count": OURS,
    "transactions/fee_client.py": "of the fee function, whose headers requests has bounded",
    "microstore/fee_function/signing.py": OURS,
    "microstore/auth/unsafe_settings.py is_guessable": "a number of zxcvbn, of the deployer's own settings",
    "microstore/auth/unsafe_settings.py is_random_hex": "digits that HEX has found, one by one",
}

NORMALISING = re.compile(r"unicodedata\.normalize\(|normalize_username\(")
BOUNDED = "a StrictCharField has refused what is too long"
# Every file that normalises text, in time that is quadratic in its combining marks, and its bound.
NORMALISED = {
    "microstore/auth/names.py": "one character at a time, of a name that nfkc() has bounded",
    "microstore/database/texts.py": "nfkc() has the bound",
    "listings/accounts/bank_account_api.py": BOUNDED,
    "listings/accounts/history.py": "each door has bounded the name",
    "listings/accounts/serializers.py": BOUNDED,
}
# DRF's own run all validators of a text that is too long, and read all items of such a list.
LOOSE_FIELD = re.compile(r"serializers\.((Email|URL|Slug|Regex|List)Field\(|CharField\([^)]*max_length)")


def sources() -> Iterator[tuple[str, str]]:
    """Name and text of each file that a request may come to."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if not any(part in NOT_ON_REQUEST for part in file.parts):
                yield file.relative_to(ROOT).as_posix(), file.read_text()


def calls() -> Iterator[str]:
    """File and function of each call that makes a number."""
    for name, text in sources():
        yield from (f"{name} {function}" for function in functions_in(ast.parse(text)))


def functions_in(tree: ast.AST, function: str = "<module>") -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NUMBERS:
            yield function
        within = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        yield from functions_in(node, within)


def test_every_number_is_made_of_text_whose_form_was_checked() -> None:
    found = set(calls())
    assert found
    unchecked = {call for call in found if call not in CHECKED and call.split()[0] not in CHECKED}
    assert not unchecked, "bound the text before it becomes a number, and name the call with its reason"


def test_text_is_normalised_only_where_its_length_is_bounded() -> None:
    assert {name for name, text in sources() if NORMALISING.search(text)} == set(NORMALISED)


def test_no_field_of_a_request_checks_more_than_the_length_of_what_is_too_long() -> None:
    assert not [name for name, text in sources() if LOOSE_FIELD.search(text)]
