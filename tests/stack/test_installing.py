"""Debian's packages are installed by one process at a time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.servers import debian

APT = """\
#!/bin/sh
mkdir {lock} || exit 100
test -e {policy} || exit 101
sleep 0.05
rmdir {lock}
"""


def test_two_that_install_at_once_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers start side by side, and each installs what it needs."""
    policy = tmp_path / "policy-rc.d"
    apt = tmp_path / "apt-get"
    apt.write_text(APT.format(lock=tmp_path / "lock", policy=policy))
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(debian, "START_POLICY", policy)
    monkeypatch.setattr(debian, "_may_install", lambda: True)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(debian.install_programs, [{f"missing-program-{n}": "any-package"} for n in range(4)]))
    assert not policy.exists()
