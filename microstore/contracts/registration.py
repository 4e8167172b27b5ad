"""A registry of contracts: all messages, services and listeners that share one broker."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from microstore.contracts.contract import AnyContract


class Listener(NamedTuple):
    """A queue beside a service's own that receives facts.

    `service` names whose code and database its workers have, and whose dead letters it makes; a service that
    only listens names itself. The broker copies facts whose routing keys fit one of `bindings` to the queue.
    """

    service: str
    bindings: tuple[str, ...]
    facts: tuple[AnyContract, ...]


class DuplicateName(Exception):
    """Two contracts have one name, so that messages of one would be read as the other's."""


class Registry:
    """The contracts by name, with the commands that listeners are sent for retries and replays."""

    def __init__(
        self, contracts: Iterable[AnyContract], listeners: Mapping[str, Listener] | None = None
    ) -> None:
        self.listeners = dict(listeners or {})
        self.contracts: dict[str, AnyContract] = {}
        for contract in contracts:
            self._add(contract)
        for name, listener in self.listeners.items():
            for fact in listener.facts:
                self._add(fact.for_listener(name))
        targets = {contract.to for contract in self.contracts.values() if contract.to}
        self.queues = sorted(targets | self.listeners.keys())
        owners = {listener.service for listener in self.listeners.values()}
        self.services = sorted((targets - self.listeners.keys()) | owners)
        self._by_task = {contract.task_name: contract for contract in self.contracts.values()}

    def _add(self, contract: AnyContract) -> None:
        if contract.name in self.contracts:
            raise DuplicateName(f"Two contracts are named {contract.name!r}.")
        self.contracts[contract.name] = contract

    def find(self, name: str) -> AnyContract | None:
        """Return the contract of this name or task name, or None.

        Outboxes and dead letters of earlier releases name a listener's command without the listener
        (`heard_order_created`). It is that of the first listener, the only one that there was.
        """
        found = self.contracts.get(name) or self._by_task.get(name)
        if found is None and "." not in name:
            meant = [each for each in self.contracts.values() if each.name.endswith(f".{name}")]
            found = meant[0] if meant else None
        return found

    def owner_of(self, queue: str) -> str:
        """Return the service whose workers consume the queue."""
        return self.listeners[queue].service if queue in self.listeners else queue

    def queues_of(self, service: str) -> list[str]:
        """Return the queues that the service's workers consume: its own and its listeners'."""
        return [queue for queue in self.queues if self.owner_of(queue) == service]
