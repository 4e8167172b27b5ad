"""`python -m benchmarks.peer_adapter FOLDER`: writes the adapter of MicroStore for the peers' harness.

The harness and the peers are not part of this repository; docs/performance.md describes them. The adapter
runs the commands of the Procfile, with the settings of production, on the harness's PostgreSQL and RabbitMQ.
"""

import json
import shutil
import sys
import time
from pathlib import Path

import jwt

from stack.places import ROOT
from stack.processes.environment import make_environment
from stack.processes.keys import keep_keys
from stack.processes.procfile import read_procfile

PORTS = {
    "LISTINGS_PORT": 18080,
    "LIVE_PORT": 18081,
    "TRANSACTIONS_PORT": 18082,
    "FEES_PORT": 18083,
    "REDIS_PORT": 18084,
}
BUYER = 1_000_001
READY = {"redis": "REDIS_PORT", "listings-api": "LISTINGS_PORT", "listings-live": "LIVE_PORT"}
ACCEPTING = ["listings-api", "listings-relay"]
# Those of a purchase: the peers have no others.
PROCESSES = ["fees", *ACCEPTING, "listings-live", "listings-worker", "transactions-worker"]
SEED_USERS = f"""
INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, is_staff,
    is_active, date_joined)
SELECT i, 'user' || i, '!', '', '', '', false, false, true, now()
FROM generate_series({BUYER}, {BUYER} + 500) i
"""  # of our own numbers
SEED_LISTINGS = f"""
INSERT INTO listings_listing (seller_id, title, description, category, price_cents, currency, quantity,
    available, status, created_at, updated_at)
SELECT {BUYER} + i % 500 + 1, 'Listing ' || i, '', 'other', 500 + i % 20000, 'EUR',
    1, 1, 'on_sale', now(), now()
FROM generate_series(1, {{n}}) i
"""  # of our own numbers
SEED = [" ".join(statement.split()) for statement in (SEED_USERS, SEED_LISTINGS)]
TABLES = """
http_port = {LISTINGS_PORT}
buy_path = "/api/listings/{{id}}/buy/"
buy_body = '{{"quantity":1}}'
order_key = "id"
crash = "transactions-worker"
setup = [
    "cd {root} && MICROSTORE_SERVICE=listings DATABASE_URL={{dsn_a}} python manage.py migrate -v 0",
    "cd {root} && MICROSTORE_SERVICE=transactions DATABASE_URL={{dsn_b}} python manage.py migrate -v 0",
    "cd {root} && MICROSTORE_SERVICE=transactions DATABASE_URL={{dsn_b}} python manage.py topology",
]

[headers]
authorization = "Bearer {token}"

[ws]
path = "/ws/listings/"
port = {LIVE_PORT}
order_key = "order_id"

[sql]
seed = {seed}
ids = "SELECT id FROM listings_listing WHERE available > 0 ORDER BY id"
orders = "SELECT count(*) FROM listings_order"
completed = "SELECT count(*) FROM listings_order WHERE status = 'completed'"
double_sold = "SELECT count(*) FROM (SELECT 1 FROM listings_order GROUP BY listing_id HAVING count(*) > 1) x"
outbox = "SELECT count(*) FROM messaging_outboxmessage"
reset = "TRUNCATE listings_order, listings_liveevent CASCADE"
b_reset = "TRUNCATE transactions_transaction, transactions_journal, transactions_entry CASCADE"
b_transactions = "SELECT count(*) FROM transactions_transaction"

[phase]
full = {full}
queue = {accepting}
"""


def make_adapter(folder: Path) -> str:
    """Return the adapter as TOML, in which the harness fills in `{dsn_a}`, `{dsn_b}` and `{amqp}`."""
    keys = keep_keys(folder)
    redis = f"{shutil.which('redis-server')} --bind 127.0.0.1 --port $REDIS_PORT --save '' --appendonly no"
    procfile = read_procfile(ROOT / "Procfile")
    commands = {"redis": redis, **{name: procfile[name] for name in PROCESSES}}
    text = TABLES.format(
        **PORTS,
        root=ROOT,
        token=_sign_token(keys["JWT_PRIVATE_KEY"]),
        seed=json.dumps(SEED),
        full=json.dumps(list(commands)),
        accepting=ACCEPTING,
    )
    environment = _make_environment(keys)
    text += "\n[env]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in environment.items())
    return text + "".join(_describe_process(name, command) for name, command in commands.items())


def _sign_token(private_key: str) -> str:
    now = int(time.time())
    claims = {"token_type": "access", "user_id": str(BUYER), "iss": "microstore", "jti": "benchmark"}
    # Environment variables keep a PEM on one line.
    pem = private_key.replace("\\n", "\n")
    return jwt.encode(claims | {"iat": now, "exp": now + 86_400}, pem, algorithm="RS256")


def _make_environment(keys: dict[str, str]) -> dict[str, str]:
    return {
        **keys,
        **{name: str(port) for name, port in PORTS.items()},
        "PATH": make_environment({})["PATH"],
        "PYTHONPATH": str(ROOT),
        "ALLOWED_HOSTS": "127.0.0.1",
        "ALLOW_DEFAULTS": "1",
        "SECURE_SSL_REDIRECT": "0",
        **dict.fromkeys(("BROKER_URL", "LISTINGS_BROKER_URL", "TRANSACTIONS_BROKER_URL"), "{amqp}//"),
        "CHANNEL_LAYER_URL": f"redis://127.0.0.1:{PORTS['REDIS_PORT']}/1",
        "LIMITS_URL": "",
        "FEES_URL": f"http://127.0.0.1:{PORTS['FEES_PORT']}/",
        "LISTINGS_DATABASE_URL": "{dsn_a}",
        "TRANSACTIONS_DATABASE_URL": "{dsn_b}",
    }


def _describe_process(name: str, command: str) -> str:
    text = f'\n[proc.{name}]\ncmd = ["sh", "-c", {json.dumps("exec " + command)}]\ncwd = "{ROOT}"\n'
    text += f"ready_port = {PORTS[READY[name]]}\n" if name in READY else ""
    return text + ('ready_text = "ready."\n' if name.endswith("worker") else "")


def main() -> None:
    """Write FOLDER/microstore.toml and print its path."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "microstore.toml"
    file.write_text(make_adapter(folder))
    print(file)


if __name__ == "__main__":
    main()
