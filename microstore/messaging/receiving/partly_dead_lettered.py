"""The result of a task of whose events some were dead-lettered."""

from typing import Any


class PartlyDeadLettered:
    """Replies of a batch, some or all of whose events were dead-lettered; a chain gets a mere list."""

    # Flower shows the result's text, and the task is a success whatever became of its events.

    def __init__(self, replies: list[dict[str, Any]], dead_lettered: int) -> None:
        self.replies, self.dead_lettered = replies, dead_lettered

    def __repr__(self) -> str:
        return f"[{{'dead_lettered': {self.dead_lettered}, 'replies': {len(self.replies)}}}]"

    def __json__(self) -> list[dict[str, Any]]:
        return self.replies
