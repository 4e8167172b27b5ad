"""docs/reference/errors.md: problem types, meanings from the code, advice from problems.toml."""

import importlib
import inspect
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from string import Template

from microstore.refusal import Refusal
from tools.table import make_table

TEXTS = Path(__file__).with_name("problems.toml")
TEMPLATE = Path(__file__).with_name("errors.md")
CLIENT_TEMPLATE = """\
/** Types of problems. Written by `make reference` from the refusals in the code. */

/** The last part of a problem's type; `blank` of those that have their status alone. */
export type ProblemKind =
$kinds
  | "blank";
export type ProblemType = `urn:microstore:problem:$${Exclude<ProblemKind, "blank">}` | "about:blank";
"""
REFUSALS = (
    "listings.refusals",
    "microstore.refusal",
)  # modules without a framework, so that they can be imported here


def find_refusals() -> list[type[Refusal]]:
    """Return the refusals that the services define, by name."""
    modules = [importlib.import_module(name) for name in REFUSALS]
    found = {kind for module in modules for _, kind in inspect.getmembers(module, _is_refusal)}
    return sorted(found, key=lambda kind: kind.__name__)


def name_of(kind: type[Refusal]) -> str:
    """Return the last part of the problem's type: `sold-out` for SoldOut."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def make_errors_page() -> str:
    """Return the page; a type without advice, or advice without a type, raises ValueError."""
    advice = tomllib.loads(TEXTS.read_text())
    kinds = {name_of(kind): kind for kind in find_refusals()}
    if differ := sorted(kinds.keys() ^ advice["types"].keys()):
        raise ValueError(f"tools/problems.toml and the refusals of the code do not agree about {differ}")
    types = [
        (f"`{name}`", str(kind.status.value), _meaning(kind), advice["types"][name])
        for name, kind in kinds.items()
    ]
    return Template(TEMPLATE.read_text()).substitute(
        types=make_table(("type", "status", "meaning", "what to do"), types),
        statuses=make_table(("status", "meaning", "what to do"), _statuses(advice["statuses"])),
    )


def make_problem_types() -> str:
    """Return the module of the TypeScript client that has the types of all problems."""
    kinds = "\n".join(f'  | "{name_of(kind)}"' for kind in find_refusals())
    return Template(CLIENT_TEMPLATE).substitute(kinds=kinds)


def _statuses(texts: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str, str]]:
    return [(status, text["meaning"], text["do"]) for status, text in sorted(texts.items())]


def _is_refusal(member: object) -> bool:
    return inspect.isclass(member) and issubclass(member, Refusal) and member is not Refusal


def _meaning(kind: type[Refusal]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]
