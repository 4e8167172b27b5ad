"""Removing a person from dead letters, when their account is deleted."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from microstore.contracts.contract import AnyContract
from microstore.messaging.fast_json import loads
from microstore.messaging.models import DeadLetter
from microstore.messaging.project import registry

SCRUBBED = "Scrubbed: a person that it was about has deleted their account."
REPLACEMENT = "(deleted)"
AT_ONCE = 500
QUOTING = ("payload", "headers", "error", "cause", "traceback")
UUIDS = re.compile(rb"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")  # kombu writes them without dashes


def scrub_account(account_id: int, orders: QuerySet[Any], *, key: str, texts: Mapping[str, str]) -> None:
    """Scrub the letters about an account or one of these orders, whose id is in the column `key`.

    In messages that were read, the fields in `texts` get these values; they can still be replayed. Those that
    were not read are deleted: the orders are settled.
    """
    order_id = KeyTextTransform("order_id", "payload")
    ids = orders.order_by().values(as_text=Cast(key, TextField()))
    named = Q(payload__seller_id=account_id) | Q(payload__buyer_id=account_id)
    letters = DeadLetter.objects.alias(order=order_id).filter(named | Q(order__in=ids))
    for letter in letters.iterator(chunk_size=AT_ONCE):
        payload: Any = letter.payload
        letter.payload = payload | {name: value for name, value in texts.items() if name in payload}
        letter.error = letter.cause = SCRUBBED
        letter.traceback, letter.headers = "", {}
        letter.save(update_fields=["payload", *QUOTING])
    numbered = re.compile(rb'"(?:seller|buyer|account)_id": ?%d\b' % account_id)
    for unread in _unread():
        found = [UUID(each.decode()) for each in UUIDS.findall(_raw(unread))]
        if numbered.search(_raw(unread)) or orders.filter(**{f"{key}__in": found}).exists():
            unread.delete()


def delete_letters(contract: AnyContract, **fields: object) -> None:
    """Delete the letters of this contract that were read and whose fields have these values."""
    named = {f"payload__{name}": value for name, value in fields.items()}
    DeadLetter.objects.filter(contract=contract.name, **named).delete()


def redact_words(words: Iterable[str]) -> None:
    """Replace a person's name or address where a letter quotes it.

    Messages that fit their contract are left: none has a field for either, and a name may be a word that they
    need, such as a currency.
    """
    for word in filter(None, words):
        # As JSON has it, too, with escapes for what is not ASCII.
        spellings = "|".join(re.escape(each) for each in (word, json.dumps(word)[1:-1]))
        pattern = re.compile(rf"(?<![\w@+-])(?:{spellings})(?![\w@+-])", re.IGNORECASE)
        texts = {f"{column}_text": Cast(column, TextField()) for column in QUOTING}
        quoting = Q(raw_body__isnull=False)
        for name in texts:
            quoting |= Q(**{f"{name}__icontains": word})
        for letter in DeadLetter.objects.alias(**texts).filter(quoting).iterator(chunk_size=AT_ONCE):
            _redact(letter, pattern)


def _redact(letter: DeadLetter, pattern: re.Pattern[str]) -> None:
    for column in ("error", "cause", "traceback"):
        setattr(letter, column, pattern.sub(REPLACEMENT, getattr(letter, column)))
    if not _fits_its_contract(letter):
        letter.payload = _redacted(letter.payload, pattern)
        letter.headers = _redacted(letter.headers, pattern)
        if letter.raw_body is not None:
            text = _raw(letter).decode("utf-8", "surrogateescape")
            letter.raw_body = pattern.sub(REPLACEMENT, text).encode("utf-8", "surrogateescape")
    letter.save(update_fields=["raw_body", *QUOTING])


def _redacted(value: object, pattern: re.Pattern[str]) -> Any:
    match value:
        case dict():
            return {pattern.sub(REPLACEMENT, name): _redacted(each, pattern) for name, each in value.items()}
        case list():
            return [_redacted(each, pattern) for each in value]
        case str():
            return pattern.sub(REPLACEMENT, value)
    return value


def _fits_its_contract(letter: DeadLetter) -> bool:
    contract = registry().find(letter.contract)
    try:
        payloads = loads(_raw(letter))[0][0] if letter.raw_body is not None else [letter.payload]
        return contract is not None and all(contract.parse(each) for each in payloads)
    except Exception:  # noqa: BLE001  # whatever a body makes the decoder raise
        return False


def _unread() -> Iterable[DeadLetter]:
    return DeadLetter.objects.filter(raw_body__isnull=False).only("raw_body").iterator(chunk_size=AT_ONCE)


def _raw(letter: DeadLetter) -> bytes:
    return bytes(letter.raw_body or b"")
