"""A relay that says how it goes: a heartbeat while its rounds succeed, and what it sees in the queues."""

import time

from django.utils import timezone

from microstore.messaging import topology
from microstore.messaging.models import QueueDepth
from microstore.messaging.sending.relay import Relay
from microstore.telemetry.heartbeat import beat

BEAT_EVERY_SECONDS = 1.0
LOOK_EVERY_SECONDS = 5.0


class MonitoredRelay(Relay):
    """The relay, seen from outside."""

    _beat_at = 0.0
    _look_at = 0.0

    def step(self, *, called: bool = False) -> bool:
        """A round that fails raises, and does not beat."""
        busy = super().step(called=called)
        now = time.monotonic()
        if now >= self._beat_at:
            self._beat_at = now + BEAT_EVERY_SECONDS
            beat()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_SECONDS
            self._note_depths()
        return busy

    def _note_depths(self) -> None:
        """For the admin, which has no broker. Redis knows no passive declaration, and no such depth."""
        broker = self.publisher.connection()
        if broker.transport.driver_type != "amqp":
            return
        now = timezone.now()
        with broker.channel() as channel:
            depths = {
                queue.name: queue(channel).queue_declare(passive=True) for queue in topology.all_queues()
            }
        for name, declared in depths.items():
            QueueDepth.objects.update_or_create(
                queue=name,
                defaults={
                    "messages": declared.message_count,
                    "consumers": declared.consumer_count,
                    "measured_at": now,
                },
            )
