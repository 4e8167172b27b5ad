"""The fee schedule read from JSON, with the place of a mistake in its error."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fees.currencies import CURRENCY_CODES
from fees.json_objects import as_object
from fees.schedule import WHOLE_BPS, CurrencyRules, FeeRule, InvalidSchedule, Schedule

AMOUNT_LIMITS = {
    "percentage_bps": WHOLE_BPS,
    "fixed_cents": 10**12,
    "minimum_cents": 10**12,
    "maximum_cents": 10**12,
}
COMMISSION_FIELDS = {"commission_bps", "commission_bps_of_tiers"}  # without them nothing is taken
MINOR_UNIT_DIGITS_LIMIT = 4
# It becomes part of the rule's name, which the transactions service stores as text.
CATEGORY = r"[^/\x00-\x1f\x7f]{1,50}"
SELLER_TIER = r"[a-z0-9-]{1,20}"


def parse_schedule(text: str) -> Schedule:
    """Parse a schedule from JSON; raise InvalidSchedule with the place and the remedy."""
    try:
        parsed = json.loads(text, object_pairs_hook=as_object)
    except (ValueError, RecursionError) as problem:
        raise InvalidSchedule(f"is not JSON: {problem}") from None
    fields = _read_object(parsed, at="the schedule", required={"version", "default_currency", "currencies"})
    version = _read_name(fields["version"], at="version", pattern=r"[A-Za-z0-9._-]{1,32}")
    currencies = _read_map(fields["currencies"], at="currencies")
    if fields["default_currency"] not in list(currencies):
        raise InvalidSchedule(f"default_currency must be one of {', '.join(currencies) or 'currencies'}")
    return Schedule(
        version=version,
        default_currency=fields["default_currency"],
        currencies=MappingProxyType(
            {code: _parse_currency(code, value, version=version) for code, value in currencies.items()}
        ),
    )


def _parse_currency(code: str, value: object, *, version: str) -> CurrencyRules:
    # A slip such as EUP would be found by the first order in euros only, which it refuses.
    if code not in CURRENCY_CODES:
        raise InvalidSchedule(f"currency {code!r} is no code of ISO 4217")
    at = f"currencies.{code}"
    fields = _read_object(value, at=at, required={"minor_unit_digits", "default"}, optional={"categories"})
    default = _read_object(
        fields["default"], at=f"{at}.default", required=set(AMOUNT_LIMITS), optional=COMMISSION_FIELDS
    )
    return CurrencyRules(
        minor_unit_digits=_read_integer(fields, "minor_unit_digits", at=at, limit=MINOR_UNIT_DIGITS_LIMIT),
        default=_parse_rule(default, at=f"{at}.default", name=f"{version}/{code}"),
        categories=MappingProxyType(
            {
                _read_name(category, at=f"category {category!r}", pattern=CATEGORY): _parse_override(
                    override, default, at=f"{at}.categories.{category}", name=f"{version}/{code}/{category}"
                )
                for category, override in _read_map(
                    fields.get("categories", {}), at=f"{at}.categories"
                ).items()
            }
        ),
    )


def _parse_override(override: object, default: dict[str, Any], *, at: str, name: str) -> FeeRule:
    overridden = _read_object(override, at=at, required=set(), optional={*AMOUNT_LIMITS, *COMMISSION_FIELDS})
    return _parse_rule(default | overridden, at=at, name=name)


def _parse_rule(fields: dict[str, Any], *, at: str, name: str) -> FeeRule:
    amounts = {
        field: _read_integer(fields, field, at=at, limit=limit) for field, limit in AMOUNT_LIMITS.items()
    }
    if amounts["minimum_cents"] > amounts["maximum_cents"]:
        raise InvalidSchedule(f"{at}.minimum_cents must not be above its maximum_cents")
    return FeeRule(
        name=name,
        **amounts,
        commission_bps=_read_integer(
            {"commission_bps": 0} | fields, "commission_bps", at=at, limit=WHOLE_BPS
        ),
        commission_bps_of_tiers=_parse_tiers(fields, at=at),
    )


def _parse_tiers(fields: dict[str, Any], *, at: str) -> Mapping[str, int]:
    at = f"{at}.commission_bps_of_tiers"
    tiers = _read_map(fields.get("commission_bps_of_tiers", {}), at=at)
    return MappingProxyType(
        {
            _read_name(tier, at=f"tier {tier!r}", pattern=SELLER_TIER): _read_integer(
                tiers, tier, at=at, limit=WHOLE_BPS
            )
            for tier in tiers
        }
    )


def _read_object(
    value: object, *, at: str, required: set[str], optional: set[str] | None = None
) -> dict[str, Any]:
    fields = _read_map(value, at=at)
    if missing := required - fields.keys():
        raise InvalidSchedule(f"{at} lacks {', '.join(sorted(missing))}")
    if unknown := fields.keys() - required - (optional or set()):
        raise InvalidSchedule(f"{at} has unknown {', '.join(sorted(unknown))}")
    return fields


def _read_map(value: object, *, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidSchedule(f"{at} must be a JSON object")
    return value


def _read_name(value: object, *, at: str, pattern: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise InvalidSchedule(f"{at} must be text that matches {pattern}")
    return value


def _read_integer(fields: dict[str, Any], field: str, *, at: str, limit: int) -> int:
    value = fields[field]
    if type(value) is not int or not 0 <= value <= limit:
        raise InvalidSchedule(f"{at}.{field} must be a whole number from 0 to {limit}")
    return value
