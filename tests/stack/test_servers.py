"""The private servers: real, controllable, and gone when they should be."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import kombu
import psycopg2
import pytest

from stack.failure import CannotRun
from stack.places import ROOT, make_throw_away_folder
from stack.processes.process_table import find_process
from stack.servers.external import URLS
from stack.servers.private import FOLDER, RealServers
from stack.servers.rabbitmq import RabbitMQ
from stack.servers.redis import Redis
from stack.servers.server import Server
from stack.servers.throw_away import OWNER
from stack.waiting import wait_until
from tests.stack.traces import processes_of
from tests.support.children import child

EXEC = [sys.executable, "-m", "stack", "exec", "--"]


def put_message(broker: RabbitMQ, queue: str) -> None:
    with kombu.Connection(broker.url) as connection:
        quorum = kombu.Queue(queue, queue_arguments={"x-queue-type": "quorum"})
        connection.transport_options["confirm_publish"] = True
        producer = connection.Producer()
        producer.publish({"sold": "crunchy armchair"}, routing_key=queue, declare=[quorum])


def count_messages(broker: RabbitMQ, queue: str) -> int:
    with kombu.Connection(broker.url) as connection:
        return int(connection.default_channel.queue_declare(queue, passive=True).message_count)


def run_sql(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def test_every_server_answers(services: RealServers) -> None:
    assert [server.answers() for server in services.all] == [True] * 4


def test_the_environment_names_every_server_and_where_to_find_them_again(services: RealServers) -> None:
    environment = services.environment()
    assert set(URLS) < set(environment)
    again = RealServers.at(Path(environment[FOLDER]))
    assert again.environment() == environment
    assert all(server.running for server in again.all)


def test_starting_servers_that_run_starts_nothing(services: RealServers) -> None:
    pids = [server.daemon.pid for server in services.all]
    assert services.find_stopped() == []
    services.start()
    assert [server.daemon.pid for server in services.all] == pids


def test_no_server_listens_beyond_this_machine(services: RealServers) -> None:
    pids = {pid for server in services.all for pid in server.daemon.family()}
    assert pids
    listening = subprocess.check_output(["cat", "/proc/net/tcp", "/proc/net/tcp6"], text=True).splitlines()
    ours = {f"{port:04X}" for port in services.ports.values()}
    addresses = {row.split()[1] for row in listening if ":" in row and row.split()[3] == "0A"}
    assert {address.split(":")[0] for address in addresses if address.split(":")[1] in ours} == {"0100007F"}


def test_a_frozen_server_is_silent_until_it_is_thawed(server: Server) -> None:
    server.freeze()
    try:
        assert not server.answers()
        assert server.running
    finally:
        server.thaw()
    assert wait_until(server.answers, timeout_seconds=30)


def test_postgresql_keeps_its_rows_when_it_is_killed(services: RealServers) -> None:
    database = services.listings_db
    run_sql(database.url, "CREATE TABLE sold AS SELECT 'crunchy armchair' AS title")
    database.kill()
    assert not database.answers()
    database.start()
    assert run_sql(database.url, "SELECT title FROM sold") == [("crunchy armchair",)]


def test_postgresql_starts_over_a_lock_file_from_before_the_machine_restarted(services: RealServers) -> None:
    database = services.transactions_db
    database.kill()
    lock = database.data / "postmaster.pid"
    # After a restart the pid in it may belong to anybody, here to this test.
    lock.write_text("\n".join([str(os.getpid()), *lock.read_text().splitlines()[1:]]))
    database.start()
    assert database.answers()


def test_the_two_databases_are_two_clusters(services: RealServers) -> None:
    identifiers = {
        run_sql(database.url, "SELECT system_identifier FROM pg_control_system()")[0]
        for database in (services.listings_db, services.transactions_db)
    }
    assert len(identifiers) == 2


def test_postgresql_wants_the_password(services: RealServers) -> None:
    url = services.listings_db.url.replace(services.password, "guess")
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(url)


def test_rabbitmq_keeps_its_messages_when_killed_and_loses_them_when_wiped(services: RealServers) -> None:
    broker = services.rabbitmq
    put_message(broker, "kept")
    assert wait_until(lambda: broker.survives_a_kill("kept"), timeout_seconds=30)
    broker.kill()
    assert not broker.mapper.family()
    broker.start()
    assert wait_until(lambda: count_messages(broker, "kept") == 1, timeout_seconds=30)
    assert "kept" in broker.ctl("list_queues", "name")
    broker.wipe()
    assert "kept" not in broker.ctl("list_queues", "name")


def test_a_stopped_server_comes_back_on_its_port(services: RealServers) -> None:
    port = services.redis.port
    services.redis.stop()
    assert not services.redis.running
    services.redis.start()
    assert services.redis.port == port
    assert services.redis.answers()


def test_exec_passes_the_exit_code_on_and_with_servers_given_starts_none(services: RealServers) -> None:
    given = {**os.environ, **services.environment()}
    script = f'test "$BROKER_URL" = "{services.rabbitmq.url}" && exit 7'
    assert subprocess.run([*EXEC, "sh", "-c", script], env=given, cwd=ROOT, check=False).returncode == 7


@pytest.fixture
def orphan() -> Path:
    """What a command leaves that was killed with SIGKILL."""
    folder = make_throw_away_folder()
    RealServers.at(folder).redis.start()
    (folder / OWNER).write_text("1 before-the-machine-restarted\n")
    return folder


def test_exec_beside_other_servers_leaves_nothing_behind_when_it_is_ended(
    services: RealServers, orphan: Path
) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in (*URLS, FOLDER)}
    script = f'echo "${FOLDER}"; exec sleep 1000'
    command = [*EXEC[:-1], "--no-fsync", "--", "sh", "-c", script]
    with child(command, env=bare, cwd=ROOT, stdout=subprocess.PIPE) as running:
        assert running.stdout
        lines = iter(running.stdout.readline, "")
        folder = Path(next(line for line in lines if line.startswith("/")).strip())
        assert [server.answers() for server in RealServers.at(folder).all] == [True] * 4
        assert folder != services.folder
        assert run_sql(RealServers.at(folder).listings_db.url, "SHOW fsync") == [("off",)]
        assert run_sql(services.listings_db.url, "SHOW fsync") == [("on",)]
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 128 + signal.SIGTERM
    for left in (folder, orphan):
        assert processes_of(left) == []
        assert not left.exists()
    assert [server.answers() for server in services.all] == [True] * 4


def test_exec_ends_what_a_killed_command_left_in_sessions_of_its_own(
    services: RealServers, orphan: Path, tmp_path: Path
) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in (*URLS, FOLDER)}
    left_by_an_owner = subprocess.Popen(
        ["sleep", "1000"], env={**bare, FOLDER: str(orphan)}, start_new_session=True
    )
    bare |= {"MICROSTORE_RUN_FOLDER": str(tmp_path)}
    killed = "setsid sleep 1000 > /dev/null 2>&1 & echo $!; kill -9 $$"
    done = subprocess.run(
        [*EXEC, "sh", "-c", killed], env=bare, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 128 + signal.SIGKILL
    assert find_process(int(done.stdout.split()[-1])) is None
    assert left_by_an_owner.wait(10) == -signal.SIGKILL
    # It has failed, so the logs of its servers are kept.
    kept = {log.stem for log in tmp_path.glob("failed/*/*.log")}
    assert kept == {server.name for server in services.all}


def test_the_logs_are_ours_alone_to_read(services: RealServers) -> None:
    logs = [server.daemon.log_file for server in services.all] + [services.rabbitmq.mapper.log_file]
    assert {oct(log.stat().st_mode & 0o077) for log in logs} == {"0o0"}


def test_the_servers_start_in_a_folder_with_a_space() -> None:
    folder = make_throw_away_folder() / "all my chairs"
    folder.mkdir(mode=0o711)
    servers = RealServers.at(folder)
    try:
        servers.start()
        assert [server.answers() for server in servers.all] == [True] * 4
    finally:
        servers.kill()
        shutil.rmtree(folder.parent)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_while_servers_start_ends_the_waiting_for_them(
    services: RealServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    awaited = threading.Event()
    monkeypatch.setattr(services.redis, "ready_within_seconds", 10_000)  # the test's own limit is shorter

    def answers() -> bool:
        awaited.set()
        return False

    def interrupt() -> None:
        awaited.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(services.redis, "answers", answers)
    monkeypatch.setattr(services.rabbitmq, "start", interrupt)
    others = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        services.start()
    assert set(threading.enumerate()) <= others


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_while_a_thread_begins_is_no_reason_not_to_await_it(
    services: RealServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up, returned, ended = threading.Event(), threading.Event(), threading.Event()
    outlived: list[bool] = []
    begin = threading.Thread.start

    def begin_and_interrupt(thread: threading.Thread) -> None:
        begin(thread)
        monkeypatch.setattr(threading.Thread, "start", begin)
        signal.raise_signal(signal.SIGINT)

    def start() -> bool:
        given_up.wait(30)
        outlived.append(returned.wait(0.5))
        ended.set()
        return True

    for server in services.all:
        monkeypatch.setattr(server, "start", lambda: True)
        monkeypatch.setattr(server, "give_up", given_up.set)
    monkeypatch.setattr(services.all[0], "start", start)
    monkeypatch.setattr(threading.Thread, "start", begin_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        services.start()
    returned.set()
    assert ended.wait(30)
    assert outlived == [False]


def test_a_server_that_cannot_start_shows_the_end_of_its_log(services: RealServers, tmp_path: Path) -> None:
    second = Redis("second", folder=tmp_path / "second", port=services.redis.port, password="guess")
    with pytest.raises(CannotRun, match=r"second ended(.|\n)*Address already in use"):
        second.start()
