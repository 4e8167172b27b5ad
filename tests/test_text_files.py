"""Text files are UTF-8 by the code, and not by the locale of whoever runs it."""

import ast
import re
from collections.abc import Iterator

import pytest

from tools.source import ROOT, find_source_files

TEXT_MODE = re.compile(r"[rwax]\+?t?")


def calls_without_encoding(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and is_text(node) and "encoding" not in {a.arg for a in node.keywords}:
            yield node.lineno


def is_text(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if name.startswith("subprocess."):
        return any(each.arg in ("text", "universal_newlines") for each in call.keywords)
    # The mode is the second argument of the builtin, as of an archive's method, and the first of a path's.
    modes = [str(each.value) for each in call.args[name == "open" :][:1] if isinstance(each, ast.Constant)]
    opens = name.rpartition(".")[2] == "open" and any(map(TEXT_MODE.fullmatch, modes))
    return opens or name.endswith((".read_text", ".write_text"))


@pytest.mark.parametrize(
    "call",
    [
        'file.read_text(errors="replace")',
        '(folder / "a.csv").open("x", newline="")',
        'open(name, "w")',
        "subprocess.run(command, text=True)",
    ],
)
def test_a_call_without_an_encoding_is_found(call: str) -> None:
    assert list(calls_without_encoding(call)) == [1]
    assert list(calls_without_encoding(f"{call[:-1]}, encoding='utf-8')")) == []


@pytest.mark.parametrize("call", ['file.open("rb")', 'archive.open(name, "w")', "shop.open()"])
def test_bytes_have_no_encoding(call: str) -> None:
    assert list(calls_without_encoding(call)) == []


def test_no_file_is_read_or_written_in_the_encoding_of_the_locale() -> None:
    files = {file: file.read_text(encoding="utf-8") for file in find_source_files()}
    found = {file: list(calls_without_encoding(source)) for file, source in files.items()}
    assert {str(file.relative_to(ROOT)): lines for file, lines in found.items() if lines} == {}
