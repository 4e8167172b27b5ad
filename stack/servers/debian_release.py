"""Debian's packages of a release that is not this machine's, in a file system of their own."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from stack.places import make_cache_folder
from stack.servers.debian import install_programs

PROGRAMS = {"mmdebstrap": "mmdebstrap"}
UNUSED = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def make_file_system(
    release: str, packages: Sequence[str], *, kind: str, without: Sequence[str] = ()
) -> Path:
    """Return a file system with these packages and all that they need, made once: a folder, or a `tar`.

    `without` are patterns of files that are left out.
    """
    options = [
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in (*UNUSED, *without)),
        "--dpkgopt=force-unsafe-io",
        '--aptopt=Acquire::Languages "none"',
        f"--include={','.join(packages)}",
        "--customize-hook=copy-in /etc/hosts /etc",
        # This machine may trust an authority of its own, without which pip reaches nothing from inside.
        f"--customize-hook=mkdir -p $1{CERTIFICATES.parent} && cp {CERTIFICATES} $1{CERTIFICATES}",
    ]
    made_of = hashlib.sha256("\n".join(options).encode()).hexdigest()[:12]
    suffix = ".tar" if kind == "tar" else ""
    made = make_cache_folder("debian") / f"{release}-{made_of}{suffix}"
    if not made.exists():
        print(f"Making a Debian {release} with {', '.join(packages)} (once) ...", flush=True)
        _make(release, options, made)
    return made


def _make(release: str, options: Sequence[str], made: Path) -> None:
    install_programs(PROGRAMS)
    # One that was interrupted must not be taken for a whole one the next time.
    unfinished = made.with_name(f"unfinished-{os.getpid()}-{made.name}")
    try:
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", *options, release, str(unfinished)], check=True
        )
        unfinished.rename(made)
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.unlink(missing_ok=True)
