"""Comparison of two JSON schemas: may a sender of the one send what a receiver by the other does not accept?

It errs on the side of a break: a keyword that it does not know must not change. Receivers ignore fields that
they do not know, so `additionalProperties: false` refuses nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

# Whether a receiver's bound is at least as wide as the sender's; a missing one is no bound.
LOWEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
HIGHEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
# What a receiver may lack, and must not have otherwise than the sender.
FORMS = ("pattern", "format", "uniqueItems")
NOTES = ("title", "description", "examples", "deprecated", "readOnly", "writeOnly", "discriminator")
COMPARED = {
    *(*LOWEST, *HIGHEST, *FORMS, *NOTES, "type", "enum", "const", "multipleOf", "default"),
    *("properties", "required", "additionalProperties", "items", "prefixItems", "$defs"),
}
ANYTHING: Schema = {}


class Pair(NamedTuple):
    """Schemas of the same value, each with the document in which its references are found."""

    sender: Schema
    receiver: Schema
    documents: tuple[Schema, Schema]
    seen: frozenset[str] = frozenset()  # the pairs above this one: a model may hold itself

    def within(self, sender: Schema, receiver: Schema) -> "Pair":
        """Return the pair of a part of both."""
        return self._replace(sender=sender, receiver=receiver)


def find_refusals(sender: Schema, receiver: Schema) -> Iterator[str]:
    """Yield what of the sender's the receiver does not accept, each with the field's path in front."""
    yield from _refuse(Pair(sender, receiver, (sender, receiver)), "")


def _refuse(pair: Pair, path: str) -> Iterator[str]:
    both = f"{pair.sender} {pair.receiver}"
    if both in pair.seen:
        return
    pair = pair._replace(seen=pair.seen | {both})
    accepted = list(_alternatives(pair.receiver, pair.documents[1]))
    for sent in _alternatives(pair.sender, pair.documents[0]):
        # The refusal of the likest is the one to read: of the same type, or the one with the fewest.
        tries = [list(_refuse_one(pair.within(sent, each), path)) for each in accepted]
        best = min(tries, key=lambda faults: (any("is not accepted" in each for each in faults), len(faults)))
        yield from best


def _alternatives(schema: Schema, document: Schema) -> Iterator[Schema]:
    """Yield each kind of value of a union, whole and without references."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        yield from _alternatives({**document["$defs"][name], **beside}, document)
        return
    for union in ("anyOf", "oneOf"):
        if union in schema:
            beside = {key: value for key, value in schema.items() if key != union}
            for kind in schema[union]:
                yield from _alternatives({**kind, **beside}, document)
            return
    kinds = schema.get("type")
    if isinstance(kinds, list):
        yield from ({**schema, "type": kind} for kind in kinds)
    else:
        yield schema


def _refuse_one(pair: Pair, path: str) -> Iterator[str]:
    sender, receiver = pair.sender, pair.receiver
    field = f"`{path}` " if path else ""
    given, taken = sender.get("type"), receiver.get("type")
    if taken not in (None, given) and (given, taken) != ("integer", "number"):
        yield f"{field}may be {given or 'anything'}, which is not accepted"
        return
    yield from (f"{field}{fault}" for fault in _refuse_value(sender, receiver))
    yield from _refuse_fields(pair, path)
    yield from _refuse_items(pair, path)


def _refuse_value(sender: Schema, receiver: Schema) -> Iterator[str]:
    allowed, possible = _values(receiver), _values(sender)
    if allowed is not None and (possible is None or not possible <= allowed):
        yield f"may be other than {', '.join(sorted(allowed))}"
    yield from _refuse_by_bounds(sender, receiver)
    # Who left it out meant the other one.
    if "default" in sender and "default" in receiver and sender["default"] != receiver["default"]:
        yield f"is {sender['default']!r} by default and {receiver['default']!r} to the receiver"
    for keyword in sorted((sender.keys() | receiver.keys()) - COMPARED):
        if sender.get(keyword) != receiver.get(keyword):
            yield f"has another {keyword}"


def _refuse_by_bounds(sender: Schema, receiver: Schema) -> Iterator[str]:
    for bound in (*LOWEST, *HIGHEST):
        limit, given = receiver.get(bound), sender.get(bound)
        if limit is not None and (given is None or (given < limit if bound in LOWEST else given > limit)):
            yield f"may be outside of {bound} {limit}"
    for form in FORMS:
        if receiver.get(form) is not None and receiver.get(form) != sender.get(form):
            yield f"may have another {form} than {receiver[form]}"
    step = receiver.get("multipleOf")
    if step and ("multipleOf" not in sender or sender["multipleOf"] % step):
        yield f"may be no multiple of {step}"


def _values(schema: Schema) -> set[str] | None:
    if "const" in schema:
        return {repr(schema["const"])}
    return {repr(value) for value in schema["enum"]} if "enum" in schema else None


def _refuse_fields(pair: Pair, path: str) -> Iterator[str]:
    sent, received = pair.sender.get("properties", {}), pair.receiver.get("properties", {})
    required = set(pair.receiver.get("required", ()))
    always_sent = set(pair.sender.get("required", ()))
    other_sent, other_received = _others(pair.sender), _others(pair.receiver)
    for field in [*received, *(name for name in required if name not in received)]:
        place = f"{path}.{field}" if path else field
        if field in required and field not in always_sent:
            # Messages that SQL or another client has made may leave out a field that has a default.
            yield f"`{place}` is required and {'may be left out' if field in sent else 'not sent'}"
        if field in received and (field in sent or other_sent is not None):
            yield from _refuse(pair.within(sent.get(field, other_sent), received[field]), place)
    if other_received is not None:
        unnamed = [schema for field, schema in sent.items() if field not in received]
        for schema in unnamed + ([] if other_sent is None else [other_sent]):
            yield from _refuse(pair.within(schema, other_received), f"{path}.*")


def _others(schema: Schema) -> Schema | None:
    """Return the schema of fields that have no name in it, as of a dictionary; None where it says nothing."""
    others = schema.get("additionalProperties")
    return ANYTHING if others is True else others or None


def _refuse_items(pair: Pair, path: str) -> Iterator[str]:
    sent, received = pair.sender.get("prefixItems", []), pair.receiver.get("prefixItems", [])
    others = pair.sender.get("items", ANYTHING), pair.receiver.get("items", ANYTHING)
    longest = pair.sender.get("maxItems")
    for place in range(max(len(sent), len(received))):
        if longest is None or place < longest:
            item = _item(sent, place, others[0]), _item(received, place, others[1])
            yield from _refuse(pair.within(*item), f"{path}[{place}]")
    if longest is None or longest > max(len(sent), len(received)):
        yield from _refuse(pair.within(*others), f"{path}[]")


def _item(prefix: list[Schema], place: int, others: Schema) -> Schema:
    return prefix[place] if place < len(prefix) else others
