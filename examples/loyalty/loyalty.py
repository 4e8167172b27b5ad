"""Points for completed orders: shares nothing with MicroStore but the name and the fields of a fact.

`celery -A loyalty worker …` gives points, one for each whole unit paid; `python loyalty.py` shows them.
"""

import os
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

from celery import Celery
from celery.exceptions import Reject
from kombu import Exchange, Queue

# A file for each order: a fact comes at least once, and the second time it finds its file.
FOLDER = Path(os.environ.get("LOYALTY_FOLDER", "points"))
QUEUE = "listener.loyalty.points"

app = Celery("loyalty", broker=os.environ.get("BROKER_URL"))
app.conf.update(
    # The exchange is MicroStore's: it is there, and this user may not declare it.
    task_queues=[
        Queue(QUEUE, Exchange("microstore.events", type="topic", no_declare=True), "order.completed")
    ],
    task_default_queue=QUEUE,
    task_acks_late=True,  # after the last file: a worker that dies before gets the fact again
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # Rights end at names that begin with listener.loyalty: no events for Flower, no remote control.
    event_exchange="listener.loyalty.events",
    worker_enable_remote_control=False,
)


@app.task(name="order_completed")
def order_completed(events: list[dict]) -> None:
    """Give the points of a batch; one that comes again gives those that are missing."""
    try:
        for each in events:
            give(UUID(each["order_id"]), each["buyer_id"], each["total_cents"] // 100)
    except OSError as error:
        time.sleep(1)  # the disk is full: nothing is wrong with the fact
        raise Reject(error, requeue=True) from error
    except (KeyError, TypeError, ValueError) as error:
        raise Reject(error, requeue=False) from error


def give(order_id: UUID, user_id: int, points: int) -> None:
    FOLDER.mkdir(exist_ok=True)
    draft = FOLDER / f"{order_id}.draft"
    with draft.open("w") as file:
        file.write(f"{user_id} {points}")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(draft.with_suffix(".points"))  # whole or not at all
    folder = os.open(FOLDER, os.O_RDONLY)
    os.fsync(folder)  # the name, too, outlives the machine
    os.close(folder)


if __name__ == "__main__":
    given: Counter[int] = Counter()
    for file in FOLDER.glob("*.points"):
        user_id, points = map(int, file.read_text().split())
        given[user_id] += points
    for user_id, points in sorted(given.items()):
        print(f"user {user_id}: {points} points")
