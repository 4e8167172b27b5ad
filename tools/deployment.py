"""Check that every service and queue of the registry is named in each file by which it is run."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from microstore.contracts.registration import Registry
from microstore.contracts.registry import REGISTRY

ROOT = Path(__file__).parent.parent
KUBERNETES = "deploy/kubernetes/**/*.yaml"
# File, a pattern in it, and the name of what the pattern finds.
OF_SERVICE = (
    (".dockerignore", r"^!{name}$", "package"),
    ("Makefile", r"^SERVICES = .*\b{name}\b", "place in `make check` and `make test`"),
    ("Procfile", r"^{name}-relay: .*MICROSTORE_SERVICE={name} .* relay$", "relay"),
    ("docker-compose.yml", r"^  {name}-db:", "database"),
    ("docker-compose.yml", r"^  {name}-migrate:", "migrations"),
    ("docker-compose.yml", r"^  {name}-relay:", "relay"),
    (KUBERNETES, r"name: {name}-migrate\b", "migrations"),
    (KUBERNETES, r"name: {name}-in-flight\b", "check of messages in flight"),
    (KUBERNETES, r"name: {name}-relay\b", "relay"),
    ("deploy/write_env.sh", r"\b{upper}_DB_APP_PASSWORD\b", "database password"),
)
OF_QUEUE = (
    ("Procfile", r"^[\w-]+-worker: .* worker (\S+ )*{name}( |$)", "worker"),
    ("docker-compose.yml", r" worker (\S+ )*{name}( |$)", "worker"),
    (KUBERNETES, r"worker, (\S+, )*{name}[,\]]", "worker"),
    ("deploy/rabbitmq/definitions.json", r'"read": "[^"]*\b{name}\b', "right to read it"),
    ("deploy/rabbitmq/topology.json", r'"name": "{name}"', "queue (`manage.py topology --definitions`)"),
)


def find_missing(registry: Registry, root: Path = ROOT) -> Iterator[str]:
    """Yield a line for each thing of a service or of a queue that a file of its deployment does not name."""
    for kind, names, wanted in (
        ("service", registry.services, OF_SERVICE),
        ("queue", registry.queues, OF_QUEUE),
    ):
        for name in names:
            for files, pattern, what in wanted:
                text = "\n".join(file.read_text() for file in sorted(root.glob(files)))
                if not re.search(pattern.format(name=name, upper=name.upper()), text, re.MULTILINE):
                    yield f"{files} has no {what} of the {kind} {name}"


if __name__ == "__main__":
    sys.exit("\n".join(find_missing(REGISTRY)) or None)
