"""`python -m tools.reference`: write the pages that are made from the code; with `--check`, compare them."""

import sys
from collections.abc import Callable, Mapping

from tools.decisions_index import make_decisions_index
from tools.errors_page import make_errors_page, make_problem_types
from tools.metrics_page import make_metrics_page
from tools.settings_page import make_settings_page
from tools.source import ROOT

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/settings.md": make_settings_page,
    "docs/reference/errors.md": make_errors_page,
    "docs/reference/metrics.md": make_metrics_page,
    "clients/typescript/src/problems.ts": make_problem_types,
    "docs/decisions/README.md": make_decisions_index,
}


def main(arguments: list[str]) -> int:
    """Write all pages, or exit 1 and name those that differ."""
    if arguments == ["--check"]:
        outdated = find_outdated_pages()
        for page in outdated:
            print(f"{page} is not what the code says: run `make reference` and commit it.", file=sys.stderr)
        return 1 if outdated else 0
    for page, make in PAGES.items():
        (ROOT / page).write_text(make())
    return 0


def find_outdated_pages() -> list[str]:
    """Return the pages whose file differs from what the code yields now."""
    return [page for page, make in PAGES.items() if (ROOT / page).read_text() != make()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
