"""Messages as a worker delivers them to a task, without a broker."""

from typing import Any
from uuid import uuid4

from celery.app.task import Context

from microstore.contracts.transactions import ORDER_CREATED


class ArrivedTask:
    """Stands for Celery's bound task: remembers what is sent again."""

    def __init__(self) -> None:
        [reply] = ORDER_CREATED.signature([]).options["chain"]
        self.request: Any = Context(chain=[reply], id=str(uuid4()), delivery_info={"redelivered": False})
        self.sent_again: list[dict[str, Any]] = []

    def apply_async(self, **message: Any) -> None:
        """What Celery's would publish."""
        self.sent_again.append(message)
