"""docs/reference/settings.md: names, types and defaults from the code, meanings from settings.toml."""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from tools.source import find_calls, first_text
from tools.table import make_table

TEXTS = Path(__file__).with_name("settings.toml")
TEMPLATE = Path(__file__).with_name("settings.md")
TYPES = {
    "bool": "yes or no",
    "dict": "`a=b,c=d`",
    "float": "number",
    "int": "number",
    "json": "JSON",
    "list": "list, by commas",
}


@dataclass(frozen=True)
class Setting:
    """A variable as the code reads it; `default` is None where it is an expression."""

    name: str
    type: str
    default: str | None


def read_settings() -> dict[str, Setting]:
    """Return every variable that the code reads from the environment by a literal name."""
    found: dict[str, Setting] = {}
    # A variable read in two modules has the default of the first, settings.py in the order of paths.
    for _, function, call in find_calls():
        if setting := _as_setting(function, call):
            found.setdefault(setting.name, setting)
    return found


def read_texts() -> dict[str, dict[str, Any]]:
    """Return the entries of settings.toml by variable, whatever group they are in."""
    groups = tomllib.loads(TEXTS.read_text())
    return {name: entry for group in groups.values() for name, entry in group.items()}


def make_settings_page() -> str:
    """Return the page; a variable without a text, or a text without a variable, raises ValueError."""
    settings = read_settings()
    texts = read_texts()
    read_otherwise = {name for name, entry in texts.items() if entry.get("read_elsewhere")}
    # Both ways: a new variable needs a meaning, and the page must not name one that nothing reads.
    if settings.keys() | read_otherwise != texts.keys():
        differ = sorted((settings.keys() | read_otherwise) ^ texts.keys())
        raise ValueError(f"tools/settings.toml and the code do not have the same variables: {differ}")
    groups = tomllib.loads(TEXTS.read_text())
    sections = [f"## {title}\n\n{_describe(group, settings)}" for title, group in groups.items()]
    return Template(TEMPLATE.read_text()).substitute(sections="\n".join(sections))


def _describe(group: Mapping[str, dict[str, Any]], settings: Mapping[str, Setting]) -> str:
    return make_table(("variable", "type", "default", "meaning"), list(_rows(group, settings)))


def _rows(group: Mapping[str, dict[str, Any]], settings: Mapping[str, Setting]) -> Iterator[tuple[str, ...]]:
    for name, entry in group.items():
        setting = settings.get(name, Setting(name, "text", None))
        default = entry.get("default", setting.default)
        if default is None:
            raise ValueError(f"{name}: its default is an expression, so settings.toml has to name it")
        yield f"`{name}`", entry.get("type", setting.type), default, entry["meaning"]


def _as_setting(function: str, call: ast.Call) -> Setting | None:
    name = first_text(call)
    if not name.isupper():
        return None
    if function == "required":
        return Setting(name, "text", "**required**")
    if function.startswith("env."):
        return Setting(name, TYPES.get(function.removeprefix("env."), "text"), _default(call))
    if function == "os.environ.get":
        return Setting(name, "text", _default(call) if len(call.args) > 1 else "empty")
    return None


def _default(call: ast.Call) -> str | None:
    """Return the default as it is shown, None where it is not a literal."""
    given = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "default")]
    if not given:
        return "**required**"
    try:
        value = ast.literal_eval(given[0])
    except ValueError:
        return None
    return _show(value)


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = ",".join(map(str, value))
    return f"`{value}`" if value or isinstance(value, int | float) else "empty"
