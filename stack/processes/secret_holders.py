"""The secrets of each process: a table for the launcher, docker-compose.yml and deploy/kubernetes."""

import re
import string
from collections import defaultdict
from collections.abc import Mapping

from stack.processes.procfile import PROCESSES

PAGES = {name for name in PROCESSES if name.endswith(("-api", "-live"))}
SENDERS = {name for name in PROCESSES if name.endswith(("-worker", "-relay"))}
# Others write to the outbox, and have no password of the broker.
HOLDERS: dict[str, set[str]] = {
    "DATABASE_URL": {*PAGES, *SENDERS, "listings-reconcile", "transactions-payouts", "webhooks-deliver"},
    "BROKER_URL": {*SENDERS, "flower"},
    "CONTROL_BROKER_URL": {name for name, line in PROCESSES.items() if " CONTROL_BROKER_URL=" in line},
    "SECRET_KEY": PAGES,
    "STAFF_KEY": PAGES,
    "JWT_PRIVATE_KEY": {"listings-api"},
    "CHANNEL_LAYER_URL": {"listings-api", "listings-live", "listings-worker", "notifications-worker"},
    "LIMITS_URL": PAGES,
    "FEES_SIGNING_KEY": {"listings-api", "transactions-worker", "fees"},
    "EMAIL_URL": {"notifications-worker"},
    "BANK_DETAILS_PRIVATE_KEYS": {"transactions-payouts"},
    "PAYOUTS_SIGNING_KEY": {"transactions-payouts"},
    "FLOWER_BASIC_AUTH": {"flower"},
    "FLOWER_BROKER_API": {"flower"},
}
# The database role of those that have not the service's own, microstore_app.
DATABASE_ROLES = {
    "notifications-worker": "microstore_notifications",
    "webhooks-worker": "microstore_webhooks",
    "webhooks-deliver": "microstore_webhooks",
}
URLS = re.compile(r"(?:.+_)?(?:DATABASE|BROKER)_URL")
COMMAND = re.compile(r"env(?P<words>(?: +(?:-u +\w+|\w+=\S*))*) +(?P<program>.+)")


def make_process(name: str, command: str, environment: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return what a line of the Procfile runs, and its environment: with no secret that it does not hold.

    `env A=$B program` is read here, since a shell would have to know $B, and its children would know it too.
    """
    own = {key: value for key, value in environment.items() if holds(name, key)}
    if not (line := COMMAND.fullmatch(command)):
        return command, own
    for word in re.sub("-u +", "", line["words"]).split():
        key, is_set, value = word.partition("=")
        own.pop(key, None)
        if is_set:
            own[key] = string.Template(value).substitute(defaultdict(str, environment))
    return line["program"], own


def holds(name: str, variable: str) -> bool:
    """Return whether a process may have the variable; `listings2-worker` is one more `listings-worker`."""
    if variable in HOLDERS:
        return re.sub(r"\d", "", name) in HOLDERS[variable]
    return not URLS.fullmatch(variable)
