"""Prefork pool whose worker ends as soon as its children are gone."""

from contextlib import suppress
from typing import Any

from billiard.util import get_pdeathsig  # type: ignore[attr-defined]  # missing in its stubs
from celery.concurrency import asynpool, prefork


class ResultHandler(asynpool.ResultHandler):
    """Reads the results of an ending worker's children until the last of them is gone.

    Celery reads as long as it knows of a task under way. One that a child has taken, but not yet confirmed,
    it forgets at SIGTERM. The child runs it all the same, and waits half a minute for its result to be read.
    """

    def on_stop_not_started(self) -> None:
        # The base class goes on while `cache` holds anything.
        self.cache = self.fileno_to_outq
        super().on_stop_not_started()


class Pool(asynpool.AsynPool):
    """A pool with this handler of results."""

    ResultHandler = ResultHandler


class TaskPool(prefork.TaskPool):
    """Celery's prefork pool, made of this pool."""

    Pool = Pool

    def on_start(self) -> Any:
        # Children set this signal. With cffi installed billiard loads a parser of C for it, in 35 ms: asked
        # for here, it is loaded once, before they are forked.
        with suppress(OSError):  # not on Linux
            get_pdeathsig()
        return super().on_start()
