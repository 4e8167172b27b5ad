"""Machines that die, are cut off and come back: three with RabbitMQ, two of them with each PostgreSQL."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import requests

from microstore.contracts.registry import QUEUES
from stack.processes.daemon import Daemon
from stack.processes.stack import Stack
from stack.servers.hosts import Host, can_make_hosts
from stack.servers.machines import Machines, three_machines
from stack.servers.patroni import PatroniCluster
from stack.servers.private import RealServers
from stack.waiting import wait_until
from tests.support.market import Market
from tests.support.rush import rush

pytestmark = [
    pytest.mark.skipif("MACHINES" not in os.environ, reason="`make faults` alone has the minutes for it"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(not can_make_hosts(), reason="needs root and namespaces of the network"),
]

# A silent connection is noticed after 10 to 20 s, a host without an answer is tried for 5, and a primary
# that is gone is replaced after 20. RabbitMQ 3.10 may leave a delayed message to the node that is cut off
# until that is back: then `reconcile` sends the order again, 120 to 150 s after it was placed.
FOUND_WITHIN_SECONDS = 240


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    with three_machines() as machines:
        yield machines


@pytest.fixture(scope="module")
def open_market(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Every process, with all servers on the machines, and requests counted in that Redis."""
    limits = {"LIMITS_URL": machines.redis.url, "LIMITS": "buy=1000000/minute"}
    servers = cast("RealServers", machines)  # no single ones: nothing here stops those
    folder = tmp_path_factory.mktemp("market")
    market = Market(servers, folder, FEES_READ_TIMEOUT_SECONDS="2", **limits)
    try:
        market.open()
        yield market
    finally:
        market.close()


@pytest.fixture
def leader(market: Market, machines: Machines) -> Iterator[Host]:
    """The machine that leads the busiest queue; afterwards everything is whole."""
    yield machines.broker.leader_of("transactions").host
    machines.start()


@pytest.fixture
def primary(market: Market, machines: Machines) -> Iterator[Host]:
    """The machine whose PostgreSQL of the listings writes; afterwards everything is whole."""
    writing = machines.listings.primary()
    assert writing
    yield writing
    machines.start()


WORKERS_AND_RELAYS = ("listings-worker", "listings-relay", "transactions-worker", "transactions-relay")


@pytest.fixture
def branch(
    market: Market, machines: Machines, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stack]:
    """One more of each process that a purchase needs, on a machine of their own; buyers use both APIs.

    Its clock is ahead by the parameter's seconds.
    """
    host = machines.spare
    host.clock_ahead_seconds = getattr(request, "param", 0)
    names = ("fees", "listings-api", *WORKERS_AND_RELAYS)
    commands = {f"branch-{name}": on_host(market.stack.commands[name], host) for name in names}
    stack = Stack(commands, environment=market.stack.environment, folder=tmp_path)
    address = f"http://{host.address}:{market.settings['LISTINGS_PORT']}"
    try:
        stack.start_all()
        stack.wait_all_ready()
        assert wait_until(lambda: answers(f"{address}/health/ready"), timeout_seconds=60), stack.log(
            "branch-listings-api"
        )
        market.more_listings_urls.append(address)
        yield stack
    finally:
        market.more_listings_urls.clear()
        for name in commands:
            stack[name].kill()
        host.clock_ahead_seconds = 0
        machines.start()


def on_host(command: str, host: Host) -> str:
    """Return a line of the Procfile with its program run on a host, where it listens to the others."""
    inside = " ".join([*host.inside, *host.clock])
    return re.sub(r" (granian|python) ", rf" {inside} \1 ", command, count=1).replace(
        "--host 127.0.0.1", f"--host {host.address}"
    )


def answers(url: str) -> bool:
    """Return whether the address answers 200."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def freeze_in_a_transaction(market: Market, process: Daemon, host: Host) -> None:
    """Stop a process of the host while it has rows locked."""
    sql = (
        "SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE client_addr = %s::inet"
        " AND state = 'idle in transaction' AND relation = 'messaging_outboxmessage'::regclass"
        " AND mode = 'RowShareLock'"
    )

    def is_frozen_so() -> bool:
        process.freeze()
        if market.listings(sql, host.address)[0][0]:
            return True
        process.thaw()
        return False

    assert wait_until(is_frozen_so, timeout_seconds=60)


def settle_one(market: Market) -> None:
    """Buy something now, and wait until it is settled."""
    seller, buyer = market.add_people(2)
    market.wait_settled([buyer.buy(seller.sell()).json()["id"]], timeout_seconds=FOUND_WITHIN_SECONDS)


def test_every_queue_is_kept_by_all_nodes(market: Market, machines: Machines) -> None:
    for queue in QUEUES:
        assert machines.broker.members_of(queue) == {node.node for node in machines.broker.nodes}, queue


def test_processes_connect_to_more_than_one_node(market: Market, machines: Machines) -> None:
    connections = machines.broker.nodes[0].ctl("list_connections", "host").split()[1:]
    assert 1 < len(set(connections)) <= len(machines.lan.hosts)


def test_a_killed_broker_node_and_then_another_one(market: Market, machines: Machines, leader: Host) -> None:
    """What came while the first was away is on the other two, and then on the first again."""
    broker = machines.broker
    with rush(market, "three RabbitMQ nodes: the leader killed, back, the next one killed") as hour:
        broker.node_on(leader).kill()
        hour.wait_for_purchases(300)
        broker.node_on(leader).start()
        heir = broker.leader_of("transactions")
        assert heir.host is not leader
        heir.kill()
        hour.wait_for_purchases(50)
        settle_one(market)


def test_a_broker_node_that_is_back_after_minutes(market: Market, machines: Machines, leader: Host) -> None:
    """It has missed thousands of messages, and has them before the next one dies."""
    broker = machines.broker
    with rush(
        market, "three RabbitMQ nodes: the leader killed, back after minutes, the next one killed"
    ) as hour:
        broker.node_on(leader).kill()
        for _ in range(4):
            hour.wait_for_purchases(1_500)
        machines.start()
        broker.leader_of("transactions").kill()
        hour.wait_for_purchases(50)
        settle_one(market)


def test_a_broker_node_that_nobody_reaches(market: Market, machines: Machines, leader: Host) -> None:
    with rush(market, "three RabbitMQ nodes: the leader's machine cut off from everybody") as hour:
        machines.isolate(leader)
        hour.wait_for_purchases(100)
        # The others have elected another leader, and the workers have found it.
        settle_one(market)
        machines.lan.mend()


def test_a_broker_split_with_clients_on_both_sides(market: Market, machines: Machines, leader: Host) -> None:
    """A message is taken by the larger side, or by nobody."""
    with rush(market, "three RabbitMQ nodes: split two against one, clients reach all") as hour:
        machines.split_off(leader)
        hour.wait_for_purchases(100)
        settle_one(market)
        machines.lan.mend()


def test_a_broker_split_with_all_clients_on_the_smaller_side(
    market: Market, machines: Machines, leader: Host
) -> None:
    """Nothing settles until it is over, and buyers notice nothing."""
    with rush(market, "three RabbitMQ nodes: split two against one, clients reach the one") as hour:
        machines.split_off_broker_with_clients(leader)
        hour.wait_for_purchases(300)
        machines.lan.mend()


def test_packets_lost_on_the_way_to_one_machine(market: Market, machines: Machines, leader: Host) -> None:
    with rush(market, "three machines: a fifth of all packets to the broker's leader lost") as hour:
        for address in (machines.lan.gateway, *(other.address for other in machines.others(leader))):
            leader.lose_from(address, share=0.2)
        hour.wait_for_purchases(300)
        machines.lan.mend()


def test_the_primary_s_machine_dies_and_comes_back(market: Market, machines: Machines, primary: Host) -> None:
    """With it go its broker node and its vote; the standby has every order that was accepted."""
    with rush(market, "two PostgreSQL, synchronous: the primary's machine killed, back") as hour:
        primary.crash()
        hour.wait_for_purchases(50)
        assert machines.listings.primary() is not primary
        machines.start()
        hour.wait_for_purchases(20)


def test_a_primary_that_only_clients_reach(market: Market, machines: Machines, primary: Host) -> None:
    """It accepts no order any more, since nobody confirms its commits, and gives up when its lease ends."""
    with rush(market, "two PostgreSQL, synchronous: the primary cut off from the others alone") as hour:
        machines.split_off(primary)
        assert wait_until(
            lambda: machines.listings.primary() not in (None, primary), timeout_seconds=FOUND_WITHIN_SECONDS
        )
        hour.wait_for_purchases(50)
        machines.start()


def test_a_standby_s_machine_dies(market: Market, machines: Machines, primary: Host) -> None:
    [standby] = [host for host in machines.listings.hosts if host is not primary]
    with rush(market, "two PostgreSQL, synchronous: the standby's machine killed") as hour:
        standby.crash()
        hour.wait_for_purchases(50)
        assert machines.listings.primary() is primary


def test_the_transactions_primary_s_machine_dies(market: Market, machines: Machines) -> None:
    """Orders wait in the broker until the standby has taken over, and each is recorded once."""
    writing = machines.transactions.primary()
    assert writing
    with rush(market, "two PostgreSQL of transactions, synchronous: the primary's machine killed") as hour:
        writing.crash()
        hour.wait_for_purchases(50)
        settle_one(market)
        assert machines.transactions.primary() is not writing
        machines.start()


def test_a_machine_that_is_slow_one_way(market: Market, machines: Machines, leader: Host) -> None:
    """Packets to the leader come late, those from it at once."""
    with rush(market, "three machines: 200 ms on the way to the broker's leader, none back") as hour:
        machines.lan.slow_down(leader, to_seconds=0.2, from_seconds=0)
        hour.wait_for_purchases(100)
        settle_one(market)
        machines.lan.mend()


def test_a_whole_machine_with_api_worker_and_relay_is_gone(
    market: Market, machines: Machines, branch: Stack
) -> None:
    """What its relay had locked is free again soon, and another relay sends it."""
    with rush(
        market, "a machine with API, worker and relay gone without a word, its relay in a batch"
    ) as hour:
        market.stack["listings-relay"].freeze()
        freeze_in_a_transaction(market, branch["branch-listings-relay"], machines.spare)
        machines.isolate(machines.spare)
        machines.spare.crash()
        market.stack["listings-relay"].thaw()
        hour.wait_for_purchases(50)


OFF_BY = [300, -300]


@pytest.mark.parametrize(("branch", "seconds"), [(each, each) for each in OFF_BY], indirect=["branch"])
def test_a_machine_whose_clock_is_wrong(market: Market, branch: Stack, seconds: int) -> None:
    """For a while its workers and relays are the only ones."""
    ours = [market.stack[name] for name in WORKERS_AND_RELAYS]
    with rush(market, f"a machine with API, workers and relay whose clock is off by {seconds:+} s") as hour:
        for process in ours:
            process.freeze()
        hour.wait_for_purchases(100)
        settle_one(market)
        for process in ours:
            process.thaw()
        hour.wait_for_purchases(100)


@pytest.fixture
def server_host(market: Market, machines: Machines) -> Iterator[Host]:
    """The machine with a server of each kind; afterwards its clock is right and everything is whole."""
    [host] = set(machines.listings.hosts) & set(machines.transactions.hosts)
    yield host
    set_clock(machines, host, ahead_seconds=0)


def set_clock(machines: Machines, host: Host, *, ahead_seconds: int) -> None:
    """Start a machine with all its servers anew."""
    host.crash()
    host.clock_ahead_seconds = ahead_seconds
    machines.start()


def wait_for_primary(database: PatroniCluster, host: Host) -> None:
    """Wait until this host writes."""
    assert wait_until(lambda: database.primary() is host, timeout_seconds=FOUND_WITHIN_SECONDS)


@pytest.mark.parametrize("seconds", OFF_BY)
def test_servers_whose_clock_is_wrong(
    market: Market, machines: Machines, server_host: Host, seconds: int
) -> None:
    """Its databases take over from those with the right time, and give the orders back to them."""
    fault = f"three machines: broker and databases of one, which takes over, off by {seconds:+} s"
    with rush(market, fault, times_are_right=False) as hour:
        set_clock(machines, server_host, ahead_seconds=seconds)
        for database in (machines.listings, machines.transactions):
            [other] = [host for host in database.hosts if host is not server_host]
            other.crash()
            wait_for_primary(database, server_host)
            machines.start()
        hour.wait_for_purchases(50)
        settle_one(market)
        set_clock(machines, server_host, ahead_seconds=0)
        hour.wait_for_purchases(50)
