"""The source of the packages, as syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Read as text: importing would need a service's settings, and load the models of one service alone.
PACKAGES = ("microstore", "listings", "transactions", "audit", "fees")


def find_source_files() -> Iterator[Path]:
    """Yield every module of the packages, in order of path."""
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def find_calls() -> Iterator[tuple[Path, str, ast.Call]]:
    """Yield file, last part of the function's name and node of every call whose first argument is a text."""
    for file in find_source_files():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and node.args and _text(node.args[0]) is not None:
                yield file, _name(node.func), node


def first_text(call: ast.Call) -> str:
    """Return the first argument of a call yielded by `find_calls`."""
    return _text(call.args[0]) or ""


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _name(function: ast.expr) -> str:
    """`env.bool` for an attribute, `required` for a name."""
    return ast.unparse(function) if isinstance(function, ast.Name | ast.Attribute) else ""
