"""Remote control of workers: what Flower reads of them, and nothing that changes what they do."""

from typing import Any

from celery.worker.consumer.control import Control
from celery.worker.control import Panel

# Whoever starts processes stops them. `revoke` would lose a message, `add_consumer` take another service's.
COMMANDS = frozenset(
    {
        *("ping", "stats", "conf", "report", "registered", "active_queues", "query_task", "clock"),
        *("active", "reserved", "scheduled", "revoked", "enable_events", "disable_events", "heartbeat"),
    }
)


class ReadingControl(Control):
    """Celery's step with these commands alone; others are logged as unknown."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.box.node.handlers = {name: Panel.data[name] for name in COMMANDS}
