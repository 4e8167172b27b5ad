"""A relay with a heartbeat, which also stores the depths of the queues."""

import time

import structlog
from django.utils import timezone

from microstore.database.clock import make_future_due
from microstore.messaging import topology
from microstore.messaging.models import OutboxMessage, QueueDepth
from microstore.messaging.sending.relay import Relay
from microstore.telemetry.heartbeat import beat

log = structlog.get_logger(__name__)

BEAT_EVERY_SECONDS = 1.0
LOOK_EVERY_SECONDS = 5.0


class MonitoredRelay(Relay):
    """A relay that beats while its rounds succeed: one that fails raises before its beat."""

    _beat_at = 0.0
    _look_at = 0.0

    def step(self, *, called: bool = False) -> bool:
        busy = super().step(called=called)
        now = time.monotonic()
        if now >= self._beat_at:
            self._beat_at = now + BEAT_EVERY_SECONDS
            beat()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_SECONDS
            self._note_depths()
            make_future_due(OutboxMessage.objects.all())
        return busy

    def _note_depths(self) -> None:
        broker = self.publisher.connection()
        if not topology.is_amqp():
            return  # Redis knows no passive declaration
        now = timezone.now()
        for queue in topology.all_queues():
            try:
                with broker.channel() as channel:
                    declared = queue(channel).queue_declare(passive=True)
            except broker.channel_errors as error:
                # Another service's queue may not be there yet, and is nothing to pause for. One's own, which
                # no worker may declare, the next step declares.
                log.warning("depth_unknown", queue=queue.name, error=str(error))
                self._declared = False
                continue
            QueueDepth.objects.update_or_create(
                queue=queue.name,
                defaults={
                    "messages": declared.message_count,
                    "consumers": declared.consumer_count,
                    "measured_at": now,
                },
            )
