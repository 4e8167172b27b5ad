"""Points for completed orders: shares nothing with MicroStore but the name and the fields of a fact.

`celery -A loyalty worker …` gives points, one for each whole unit paid; `python loyalty.py` shows them.
"""

import os
import sqlite3
import time
from contextlib import closing

from celery import Celery
from celery.exceptions import Reject
from kombu import Exchange, Queue

DATABASE = os.environ.get("LOYALTY_DATABASE", "loyalty.sqlite3")
QUEUE = "listener.loyalty.points"
# By order: a fact comes at least once, and the second time it finds its row.
TABLE = "CREATE TABLE IF NOT EXISTS points (order_id TEXT PRIMARY KEY, user_id INTEGER, points INTEGER)"

app = Celery("loyalty", broker=os.environ.get("BROKER_URL"))
app.conf.update(
    # The exchange is MicroStore's: it is there, and this user may not declare it.
    task_queues=[
        Queue(QUEUE, Exchange("microstore.events", type="topic", no_declare=True), "order.completed")
    ],
    task_default_queue=QUEUE,
    task_acks_late=True,  # after the commit: a worker that dies before gets the fact again
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # Rights end at names that begin with listener.loyalty: no events for Flower, no remote control.
    event_exchange="listener.loyalty.events",
    worker_enable_remote_control=False,
)


@app.task(name="order_completed")
def order_completed(events: list[dict]) -> None:
    """Give the points of a batch, all or none."""
    try:
        rows = [(each["order_id"], each["buyer_id"], each["total_cents"] // 100) for each in events]
        with closing(connect()) as database, database:
            database.executemany("INSERT OR IGNORE INTO points VALUES (?, ?, ?)", rows)
    except sqlite3.OperationalError as error:
        time.sleep(1)  # the disk is full, the file is locked: nothing is wrong with the fact
        raise Reject(error, requeue=True) from error
    except (KeyError, TypeError) as error:
        raise Reject(error, requeue=False) from error


def connect() -> sqlite3.Connection:
    database = sqlite3.connect(DATABASE, timeout=10)
    database.execute(TABLE)
    return database


if __name__ == "__main__":
    with closing(connect()) as database:
        for user_id, points in database.execute("SELECT user_id, sum(points) FROM points GROUP BY user_id"):
            print(f"user {user_id}: {points} points")
