"""`manage.py worker QUEUE`: run the tasks of a queue until SIGTERM."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from microstore.messaging.metrics import start_at_zero
from microstore.messaging.project import celery_app, registry


class Command(BaseCommand):
    """A Celery worker as `celery worker` starts it, for little more than half its CPU: see decision 0010."""

    help = "Run the tasks of these queues until SIGTERM; those under way are finished."
    # They import every page, and are `make check`'s and `manage.py migrate`'s business.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        known = [queue.name for queue in settings.CELERY_TASK_QUEUES]
        parser.add_argument("queues", nargs="+", choices=known, metavar="queue", help=", ".join(known))
        parser.add_argument(
            "--name", help="begins with the queue's, for the broker's rights; by default with the process id"
        )
        parser.add_argument("--concurrency", type=int, metavar="PROCESSES", default=1)
        parser.add_argument(
            "--solo",
            action="store_true",
            help="one at a time in this process, without time limits: for tasks that do little",
        )
        parser.add_argument(
            "--prefetch-multiplier",
            type=int,
            metavar="MESSAGES",
            default=settings.CELERY_WORKER_PREFETCH_MULTIPLIER,
            help="taken from the broker ahead, for each process (default %(default)s)",
        )

    def handle(self, *args: Any, queues: list[str], **options: Any) -> None:
        os.environ.setdefault("CELERY_SKIP_CHECKS", "yes")
        app = celery_app()
        start_at_zero()
        # Remote control needs a queue of the worker's own, and a listener's user may declare none.
        app.conf.worker_enable_remote_control = not registry().listeners.keys() >= set(queues)
        if options["solo"]:
            app.conf.worker_pool = "solo"
        # Workers of one name answer for each other, and Flower shows one of them. Celery adds the host.
        name = options["name"] or f"{queues[0]}-{os.getpid()}"
        worker = app.Worker(
            hostname=f"{name}@",
            queues=queues,
            concurrency=options["concurrency"],
            prefetch_multiplier=options["prefetch_multiplier"],
            loglevel="INFO",
            without_gossip=True,
            without_mingle=True,
        )
        worker.start()
        sys.exit(worker.exitcode)
