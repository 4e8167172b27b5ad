"""The documentation names what is there, and what is there is documented."""

import ast
import json
import re
from pathlib import Path

import pytest
import yaml

from microstore.contracts.transactions import OrderCreated
from stack.processes.environment import PORTS
from tools import decisions_index, errors_page, reference, settings_page
from tools.source import ROOT, find_source_files

FOLDERS_WITH_A_PAGE = (
    *("microstore/messaging", "deploy/kubernetes", "clients/typescript", "stack", "benchmarks/results"),
)
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / f"{folder}/README.md" for folder in FOLDERS_WITH_A_PAGE),
]
FOLDERS = "microstore|listings|transactions|fees|audit|stack|benchmarks|tools|tests|docs|deploy"
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
RECORD = re.compile(r"(?:[Dd]ecisions?[ /]|[Rr]ecord )(0\d{3})\b")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
TESTS = {
    name: path
    for path in (ROOT / "tests").rglob("*.py")
    for name in re.findall(r"def (test_\w+)", path.read_text())
}
OF_DJANGO = {"createsuperuser", "makemigrations", "migrate", "shell"}
ROUNDS = (ROOT / "microstore/messaging/rounds.py").read_text()  # the options that some inherit
COMMANDS = {
    file.stem: file.read_text() + (ROUNDS if "RoundsCommand" in file.read_text() else "")
    for place in ("*", "*/*")
    for file in ROOT.glob(f"{place}/management/commands/[a-z]*.py")
}

every_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def anchors_of(document: Path) -> set[str]:
    """Return what GitHub names the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(document: Path) -> list[tuple[str, Path, str]]:
    """Return text, file and anchor of every link that stays in the repository."""
    found = [(text, *link.partition("#")[::2]) for text, link in LINK.findall(document.read_text())]
    return [
        (text, (document.parent / path).resolve() if path else document, anchor)
        for text, path, anchor in found
        if "://" not in path
    ]


@every_document
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    for _, path, anchor in links_of(document):
        assert path.exists(), path
        assert not anchor or anchor in anchors_of(path), f"{path} has no heading #{anchor}"


def test_every_document_is_linked_from_another() -> None:
    linked = {path for document in DOCUMENTS for _, path, _ in links_of(document) if path != document}
    assert [document for document in DOCUMENTS if document not in {*linked, ROOT / "README.md"}] == []


@every_document
def test_every_path_target_and_test_that_a_document_names_is_there(document: Path) -> None:
    text = document.read_text()
    paths = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    named = set(re.findall(r"(?:^ {4}|`)make (?:\w+=\S+ )*([a-z-]+)", text, re.MULTILINE))
    assert named - TARGETS == set()
    assert set(re.findall(r"`(test_\w+)`", text)) - TESTS.keys() == set()


def test_every_test_of_a_fault_is_named_where_the_report_says() -> None:
    named = (ROOT / "docs/reference/faults.md").read_text()
    faults = ROOT / "tests/end_to_end/faults"
    assert [name for name, path in TESTS.items() if path.parent == faults and f"`{name}`" not in named] == []


def test_pre_commit_calls_targets_of_make_alone() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    programs, targets = zip(*(hook["entry"].split() for hook in hooks), strict=True)
    assert set(programs) == {"make"}
    assert set(targets) <= TARGETS


def test_the_pages_that_are_made_from_the_code_are_current() -> None:
    assert reference.find_outdated_pages() == []


def test_every_variable_of_the_code_is_on_the_page_of_settings() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    assert [name for name in settings_page.read_settings() if f"| `{name}` |" not in page] == []


def test_a_limit_that_a_setting_changes_is_its_default_on_the_page_of_limits() -> None:
    page = (ROOT / "docs/reference/limits.md").read_text()
    stated = re.findall(r"(\d+)\b[^|\d`]*(?:\| )?\(?`([A-Z_]{5,})`", page)
    defaults = {name: setting.default for name, setting in settings_page.read_settings().items()}
    assert len(stated) > 6
    assert [each for each in stated if defaults[each[1]] not in (f"`{each[0]}`", f"`{each[0]}.0`")] == []


def test_the_ports_on_their_pages_are_those_that_the_launcher_takes() -> None:
    quickstart = (ROOT / "docs/quickstart.md").read_text()
    stated = {name: int(port) for name, port in re.findall(r"`(\w+_PORT)` (\d+)", quickstart)}
    assert stated == {name: port for name, port in PORTS.items() if not name.endswith("METRICS_PORT")}
    alerts = (ROOT / "docs/how-to/respond-to-alerts.md").read_text()
    names = re.findall(r"`(\w+_METRICS_PORT)`", alerts)
    [(first, last)] = re.findall(r"ports (\d+) to (\d+)", alerts)
    assert list(range(int(first), int(last) + 1)) == [PORTS[name] for name in names]
    assert len(names) == len(PORTS) - len(stated)


def test_the_message_on_the_wire_has_the_fields_of_its_contract() -> None:
    page = (ROOT / "docs/explanation/messaging.md").read_text()
    [body] = re.findall(r"^```json\n(.+?)\n```$", page, re.MULTILINE | re.DOTALL)
    [[[event]], _, _] = json.loads(body)
    assert event.keys() == OrderCreated.model_fields.keys()


def test_a_cause_of_dead_letters_is_quoted_as_the_code_words_it() -> None:
    page = (ROOT / "docs/how-to/replay-dead-letters.md").read_text()
    quoted = re.findall(r"^\| \*(.+?)\* \|", page, re.MULTILINE)
    code = "".join(file.read_text() for file in (ROOT / "microstore/messaging").rglob("*.py"))
    assert quoted
    assert [part for cause in quoted for part in cause.split("…") if part.strip(" :") not in code] == []


def test_every_refusal_is_on_the_page_of_errors() -> None:
    known = {kind.__name__ for kind in errors_page.find_refusals()}
    trees = [ast.parse(file.read_text()) for file in find_source_files()]
    defined = {
        node.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and {"Refusal", *known} & set(map(ast.unparse, node.bases))
    }
    assert defined == known
    page = (ROOT / "docs/reference/errors.md").read_text()
    assert [name for name in map(errors_page.name_of, errors_page.find_refusals()) if name not in page] == []


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_every_error_status_of_an_api_is_on_the_page_of_errors(service: str) -> None:
    schema = yaml.safe_load((ROOT / f"docs/api/{service}.yaml").read_text())
    statuses = {
        status
        for path in schema["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
        for status in operation["responses"]
        if status >= "400"
    }
    page = (ROOT / "docs/reference/errors.md").read_text()
    assert [status for status in sorted(statuses) if f"| {status} |" not in page] == []


def test_every_command_of_django_is_on_the_page_of_commands() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text()
    commands = [file.stem for file in find_source_files() if file.parent.name == "commands"]
    assert [name for name in commands if name != "__init__" and f"| `{name}" not in page] == []


@every_document
def test_every_command_and_option_that_a_document_names_is_there(document: Path) -> None:
    named = re.findall(r"manage\.py (\w+)([^`\n|]*)", document.read_text())
    ours = [(command, rest) for command, rest in named if command not in OF_DJANGO]
    assert {command for command, _ in ours} <= set(COMMANDS)
    options = [(command, option) for command, rest in ours for option in re.findall(r"--[a-z][\w-]*", rest)]
    assert [each for each in options if f'"{each[1]}"' not in COMMANDS[each[0]]] == []


def test_a_decision_has_the_format_and_twenty_lines_at_most() -> None:
    decisions = list(decisions_index.read_decisions())
    numbers = {each.number for each in decisions}
    assert len(numbers) == len(decisions)
    merged = [number for each in decisions for number in each.merges]
    assert set(merged) & numbers == set()
    for each in decisions:
        assert len(each.file.read_text().splitlines()) <= 20, each.file.name
        superseded_by = each.status.removeprefix("superseded by ")
        assert each.status == "accepted" or superseded_by in numbers, each.file.name


def test_every_decision_that_is_referred_to_exists() -> None:
    numbers = {each.number for each in decisions_index.read_decisions()}
    others = [file for folder in ("tests", "stack", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    places = [*find_source_files(), *others, *DOCUMENTS]
    lost = {(path.name, number) for path in places for number in RECORD.findall(path.read_text())}
    assert {(name, number) for name, number in lost if number not in numbers} == set()


def test_a_purchase_is_read_in_nine_files_and_two_more_to_the_browser() -> None:
    text = (ROOT / "listings/buying/__init__.py").read_text()
    read = re.findall(r"^- (\S+): ", text, re.MULTILINE)
    assert read[0] == "listings/buying/api.py"
    assert read.index("listings/settling/complete.py") < 9
    assert len(read) == len(set(read)) <= 11
    assert [path for path in read if not (ROOT / path).exists()] == []


def test_each_walk_of_contributing_takes_two_hops_from_the_readme() -> None:
    _, _, rest = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Three walks\n")
    rows = re.findall(r"^\| ([^|]+\?) \| (.+?) \| (.+) \|$", rest.partition("\n## ")[0], re.MULTILINE)
    assert len(rows) == 3
    readme = (ROOT / "README.md").read_text()
    for _, first, second in rows:
        [(_, page)] = LINK.findall(first)
        assert f"]({page})" in readme, f"README.md does not link to {page}"
        names = re.findall(r"`([^`]+)`", second)
        text = (ROOT / page.partition("#")[0]).read_text()
        assert [name for name in names if name not in text] == []
        files = [name for name in names if "/" in name]
        functions = [name for name in names if re.fullmatch(r"[a-z_]+", name)]
        assert files
        sources = "".join((ROOT / file).read_text() for file in files)
        assert [name for name in functions if f"def {name}(" not in sources] == []


def test_each_sentence_about_security_links_to_its_test() -> None:
    document = ROOT / "docs/security.md"
    text = document.read_text()
    rows = [row for row in re.findall(r"^\| (.+) \|$", text, re.MULTILINE) if "---" not in row]
    sentences = [row for row in rows if row != "what holds | shown by"]
    assert len(sentences) > 40
    for sentence in sentences:
        tests = LINK.findall(sentence.rpartition(" | ")[2])
        assert tests, sentence
        for name, path in tests:
            assert f"def {name}(" in (document.parent / path).read_text(), f"{name} is not in {path}"
