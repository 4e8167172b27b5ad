"""Rules of STYLE that can be measured: docstrings, comments, length of functions, rooms of a folder."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("microstore", "audit", "listings", "transactions", "fees", "stack", "benchmarks", "tools")
MAX_FUNCTION_LINES = 40
MIN_DOCSTRING_WORDS = 4
COMMENTS_PER_LINE = (0.02, 0.04)
MAX_ROOMS = {"listings": 28, "microstore": 18}
RIDDLE = re.compile(r"(What|Who|Whose|How|Why|Where)\b")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def is_ours(file: Path) -> bool:
    return "migrations" not in file.parts


@cache
def files_by_folder() -> dict[str, list[Path]]:
    """The Python files of each package (`listings`: those directly in it) and of each capability in it."""
    folders: dict[str, list[Path]] = {}
    for package in PACKAGES:
        for file in filter(is_ours, sorted((ROOT / package).rglob("*.py"))):
            parts = file.relative_to(ROOT).parts
            folders.setdefault("/".join(parts[: min(2, len(parts) - 1)]), []).append(file)
    return folders


def nodes(file: Path) -> Iterator[Documented]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, Documented):
            yield node


def bad_docstrings(folder: str) -> list[str]:
    """Public docstrings that begin with a question's word or are too short to say more than the name."""
    found = []
    for file in files_by_folder()[folder]:
        for node in nodes(file):
            text = ast.get_docstring(node)
            if text is None or (not isinstance(node, ast.Module) and node.name.startswith("_")):
                continue
            if RIDDLE.match(text) or len(text.split()) < MIN_DOCSTRING_WORDS:
                found.append(f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}: {text.splitlines()[0]}")
    return found


def long_functions(folder: str) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for file in files_by_folder()[folder]
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= MAX_FUNCTION_LINES
    ]


def share_of_comments(package: str) -> float:
    """Lines that are a comment among those that are not blank."""
    lines = [
        line.strip()
        for file in filter(is_ours, (ROOT / package).rglob("*.py"))
        for line in file.read_text().splitlines()
    ]
    return sum(line.startswith("#") for line in lines) / sum(map(bool, lines))


@pytest.mark.parametrize("folder", files_by_folder())
def test_docstrings_are_imperative_or_a_noun_phrase_of_four_words_at_least(folder: str) -> None:
    found = bad_docstrings(folder)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", files_by_folder())
def test_functions_are_short(folder: str) -> None:
    assert long_functions(folder) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_comments_are_two_to_four_lines_of_a_hundred(package: str) -> None:
    lowest, highest = COMMENTS_PER_LINE
    share = share_of_comments(package)
    assert lowest <= share <= highest, f"{share:.1%} of the lines of {package} are comments"


@pytest.mark.parametrize(("package", "most"), MAX_ROOMS.items())
def test_a_package_has_few_rooms(package: str, most: int) -> None:
    """Modules and packages directly in it; `__init__`, migrations and folders without Python are no rooms."""
    rooms = [
        path.name
        for path in (ROOT / package).iterdir()
        if path.name not in ("__init__.py", "migrations")
        and (path.suffix == ".py" or (path / "__init__.py").exists())
    ]
    assert len(rooms) <= most, sorted(rooms)
