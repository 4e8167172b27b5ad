"""The processes that run a worker's tasks, and how they end."""

from celery.concurrency import asynpool, prefork


class ResultHandler(asynpool.ResultHandler):
    """Listens to the children of a worker that was told to end, until the last of them is gone.

    Celery listens as long as it knows of a task under way. One that a child has taken, but not yet confirmed,
    it forgets when it is told to end. The child does it all the same, and then waits half a minute for
    somebody to read its result.
    """

    def on_stop_not_started(self) -> None:
        """Called while the pool ends. The base class asks `cache` alone whether to go on."""
        self.cache = self.fileno_to_outq
        super().on_stop_not_started()


class Pool(asynpool.AsynPool):
    """Child processes without threads of the parent."""

    ResultHandler = ResultHandler


class TaskPool(prefork.TaskPool):
    """Celery's prefork pool of these."""

    Pool = Pool
