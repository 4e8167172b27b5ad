"""Which commit a measured report was made on, and whether the code has changed since."""

import re
import subprocess
from collections.abc import Iterator

from tools.source import ROOT

REPORTS = ("docs/reliability.md", "docs/soak.md")
# Documents and tests may change without making a report outdated.
PROVED = ("listings", "transactions", "microstore", "fees", "Procfile", "constraints.txt", ":!*.md")
COMMIT = re.compile(r"commit `(\w+?)(-dirty)?`")


def describe_commit() -> str:
    """Return the short id of the commit that is checked out, with `-dirty` where files differ."""
    return _git("describe", "--always", "--dirty", "--exclude=*") or "unknown"


def find_outdated_reports() -> Iterator[str]:
    """Yield a sentence for each report that is older than the code whose behaviour it proves."""
    for report in REPORTS:
        named = COMMIT.search((ROOT / report).read_text())
        if reason := _why_outdated(named[1], dirty=bool(named[2])) if named else "names no commit":
            yield f"{report} {reason}."


def _why_outdated(commit: str, *, dirty: bool) -> str:
    """Return the reason as the end of a sentence, empty where there is none."""
    # A shallow clone does not have the commit, and a rebase may have replaced it.
    if not _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"):
        return f"was made on {commit}, which is not in this repository"
    since = int(_git("rev-list", "--count", f"{commit}..HEAD", "--", *PROVED))
    if since:
        return f"was made on {commit}; {since} commits have changed the code since"
    return f"was made on {commit} with uncommitted changes" if dirty else ""


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    for sentence in find_outdated_reports():
        print(f"warning: {sentence}")
