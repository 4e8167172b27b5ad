"""The RabbitMQ of this machine, or of another Debian release: MICROSTORE_RABBITMQ=trixie."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stack.failure import CannotRun
from stack.servers.debian import find_rabbitmq_folder
from stack.servers.debian_release import make_file_system

WANTED = "MICROSTORE_RABBITMQ"
ROOT = Path("/")
# In a mount namespace of its own: the mounts end with the process.
ENTER = """\
root=$1 data=$2; shift 2
for place in /dev /proc "$data"; do
    mkdir -p "$root$place" && mount --rbind "$place" "$root$place" || exit 1
done
exec chroot "$root" "$@"
"""


@dataclass(frozen=True)
class RabbitMQRelease:
    """The file system with RabbitMQ's programs, and their folder in it."""

    root: Path
    programs: Path

    def enter(self, data: Path) -> Sequence[str]:
        """Return the words before a command that is to run in it, with its data folder where it always is."""
        if self.root == ROOT:
            return ()
        return ("unshare", "--mount", "sh", "-c", ENTER, "sh", str(self.root), str(data))


@cache
def find_rabbitmq_release() -> RabbitMQRelease:
    """Return the one that the environment asks for, this machine's by default; CannotRun if there is none."""
    release = os.environ.get(WANTED)
    if release and os.geteuid() != 0:
        raise CannotRun(f"{WANTED}={release} needs root: it runs in a file system of its own")
    root = make_file_system(release, ["rabbitmq-server"], kind="folder") if release else ROOT
    if not (programs := find_rabbitmq_folder(root)):
        raise CannotRun("RabbitMQ is not installed")
    return RabbitMQRelease(root, ROOT / programs.relative_to(root))
