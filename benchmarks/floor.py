"""The CPU time of PostgreSQL and RabbitMQ alone for the same work: a lower bound for the whole shop."""

import json
import re
import subprocess
import uuid
from pathlib import Path

from benchmarks.broker_floor import publish_and_consume
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import SELLERS, Shop
from benchmarks.trial import CLIENTS
from stack.failure import CannotRun

SCRIPT = Path(__file__).with_name("buy.pgbench.sql")
LISTINGS = 10_000
FILL = """
INSERT INTO listings_listing (id, seller_id, title, description, category, price_cents, currency, quantity,
    available, status, created_at, updated_at)
SELECT n, %s, 'Crunchy armchair', '', 'furniture', 500, 'EUR', 1000000, 1000000, 'on_sale', now(), now()
FROM generate_series(1, %s) n
"""
EMPTY = "TRUNCATE listings_listing, messaging_outboxmessage RESTART IDENTITY CASCADE"
BATCH = 50  # events in one message: what a relay collects under load, below its limit of 200


def measure(shop: Shop, scale: Scale) -> Result:
    """Measure both servers while no process of the shop runs."""
    whole = shop.meter()
    writes_per_s, writing_ms = _measure_database(shop, scale.floor_writes)
    figures = {
        f"PostgreSQL alone, the writes of a buy by {CLIENTS} clients: per s": writes_per_s,
        "CPU ms of PostgreSQL for each": writing_ms,
    }
    event = _example_event()
    for size in (1, BATCH):
        messages = scale.floor_messages
        meter = shop.meter()
        seconds = publish_and_consume(
            shop.services.rabbitmq.url, json.dumps([event] * size).encode(), messages
        )
        used = meter.read()
        figures |= {
            f"RabbitMQ alone, {size} events a message, published and consumed with confirms: events/s": (
                messages * size / seconds
            ),
            f"CPU ms of RabbitMQ for each event, {size} a message": (
                used.milliseconds_per(messages * size)["rabbitmq"]
            ),
        }
    figures["cores used by other programs"] = whole.read().foreign_cores
    return Result(figures)


def _measure_database(shop: Shop, writes: int) -> tuple[float, float]:
    """Return the writes per second, and the CPU milliseconds of PostgreSQL for each."""
    shop.query("listings", EMPTY)
    shop.query("listings", FILL, SELLERS[0], LISTINGS)
    shop.tidy()
    meter = shop.meter()
    output = _run_pgbench(shop, writes // CLIENTS)
    used = meter.read()
    [(count,)] = shop.query("listings", "SELECT count(*) FROM messaging_outboxmessage")
    shop.query("listings", EMPTY)
    return float(re.findall(r"tps = ([\d.]+)", output)[0]), used.milliseconds_per(count)["listings-db"]


def _run_pgbench(shop: Shop, writes_each: int) -> str:
    options = [
        "--no-vacuum",
        "--protocol=prepared",
        f"--client={CLIENTS}",
        f"--transactions={writes_each}",
        f"--file={SCRIPT}",
    ]
    command = ["pgbench", *options, shop.owner_url("listings")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"pgbench failed:\n{done.stderr}")
    return done.stdout


def _example_event() -> dict[str, object]:
    """Return an `order_created` without the texts of its listing."""
    ids = {"event_id": str(uuid.uuid4()), "order_id": str(uuid.uuid4()), "trace": "0" * 55}
    numbers = {"listing_id": 8, "buyer_id": 2, "seller_id": 1, "quantity": 1, "unit_price_cents": 2500}
    texts = {"occurred_at": "2026-11-22T17:54:49.384064Z", "currency": "EUR", "category": "furniture"}
    return {**ids, **numbers, **texts}
