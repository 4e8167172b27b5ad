"""`python -m stack.sandbox_bank`: a strict payment provider to try payouts with, in pure standard library.

`POST /payouts` pays under the id in `Idempotency-Key`, `GET /payouts/ID` looks it up, both signed. The same
id again is the same payout: one answer, one payment. With another body it is refused.
"""

import hashlib
import hmac
import json
import os
import re
import threading
import time
from argparse import ArgumentParser
from collections import Counter, deque
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from uuid import UUID

MAX_SKEW_SECONDS = 300
BODY_BYTES_LIMIT = 10_000
FIELDS = {"id": str, "amount_cents": int, "currency": str, "iban": str, "holder": str}
FAILING = "Closed"  # in the holder's name: such an account takes no money
# Of an answer: none before the work or after it, twice, about another amount, too late for its client.
FAULTS = ("no_work", "no_answer", "twice", "wrong_amount", "late", "pending")


class Refused(Exception):
    """The call is refused with this status and reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class SandboxBank(ThreadingHTTPServer):
    """A provider that keeps its payouts in memory; the next calls get the faults in `faults`, one each.

    With a file it knows them after a restart, too: one line of JSON a payout, as it was decided.
    """

    daemon_threads = True

    def __init__(self, port: int = 0, *, key: str, file: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), Call)
        self.key = key.encode()
        self.file = file
        self.faults: deque[str] = deque()
        self.late_seconds = 5.0
        self.payouts: dict[str, dict[str, Any]] = {}
        self.payments: Counter[str] = Counter()  # made by id: one each, whatever is called how often
        self._lock = threading.Lock()
        for kept in read_kept(file):
            self._keep(kept)

    @property
    def url(self) -> str:
        """The address for PAYOUTS_URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def pay(self, asked: dict[str, Any], *, pending: bool) -> dict[str, Any]:
        """Pay once, and return the payout as it is answered."""
        with self._lock:
            kept = self.payouts.get(asked["id"])
            if kept is None:
                failed = FAILING in asked["holder"]
                status = "failed" if failed else "pending" if pending else "paid"
                reason = "The account is closed." if failed else ""
                kept = {"asked": asked, "status": status, "reason": reason}
                self._keep(kept)
                if self.file:
                    with self.file.open("a") as file:
                        file.write(json.dumps(kept) + "\n")
        if kept["asked"] != asked:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "this id was used for another payout")
        return self.show(asked["id"])

    def _keep(self, kept: dict[str, Any]) -> None:
        self.payouts[kept["asked"]["id"]] = kept
        self.payments.update([kept["asked"]["id"]] if kept["status"] == "paid" else [])

    def show(self, payout_id: str) -> dict[str, Any]:
        """Return a payout as it is answered; raises Refused where there is none."""
        kept = self.payouts.get(payout_id)
        if kept is None:
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such payout")
        asked, reference = kept["asked"], f"SB-{payout_id[:8]}"
        answered = {name: asked[name] for name in ("id", "amount_cents", "currency")}
        return answered | {"status": kept["status"], "reason": kept["reason"], "reference": reference}

    def finish(self) -> None:
        """Pay what is pending."""
        with self._lock:
            for payout_id, kept in self.payouts.items():
                if kept["status"] == "pending":
                    kept["status"] = "paid"
                    self.payments[payout_id] += 1


def read_kept(file: Path | None) -> list[dict[str, Any]]:
    """Return the payouts in the file of a provider, in the order of their decision."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file and file.exists() else []


class Call(BaseHTTPRequestHandler):
    """One call of a client."""

    timeout = 30
    protocol_version = "HTTP/1.1"

    @property
    def bank(self) -> SandboxBank:
        return cast("SandboxBank", self.server)

    def do_POST(self) -> None:
        self.close_connection = True
        fault = self.bank.faults.popleft() if self.bank.faults else ""
        if fault == "no_work":
            return
        try:
            answer = self.bank.pay(self.read_payout(), pending=fault == "pending")
        except Refused as refusal:
            self.answer(refusal.status, {"error": str(refusal)})
            return
        if fault == "wrong_amount":
            answer["amount_cents"] += 1
        if fault == "late":
            time.sleep(self.bank.late_seconds)
        if fault != "no_answer":
            self.answer(HTTPStatus.OK, answer)
        if fault == "twice":
            self.answer(HTTPStatus.OK, answer)

    def do_GET(self) -> None:
        self.close_connection = True
        try:
            self.ensure_signed(b"")
            found = re.fullmatch("/payouts/([0-9a-f-]{36})", self.path)
            self.answer(HTTPStatus.OK, self.bank.show(found[1] if found else ""))
        except Refused as refusal:
            self.answer(refusal.status, {"error": str(refusal)})

    def read_payout(self) -> dict[str, Any]:
        """Return the payout of the body; raises Refused unless everything about the call is right."""
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,6}", length) or int(length) > BODY_BYTES_LIMIT:
            raise Refused(HTTPStatus.BAD_REQUEST, "Content-Length is missing or too large")
        body = self.rfile.read(int(length))
        self.ensure_signed(body)
        try:
            asked = json.loads(body)
            well_formed = {name: type(asked[name]) for name in asked} == FIELDS and str(UUID(asked["id"]))
        except (ValueError, TypeError) as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "the body is malformed") from error
        if not well_formed or asked["amount_cents"] < 1 or self.path != "/payouts":
            raise Refused(HTTPStatus.BAD_REQUEST, f"the body must have {', '.join(FIELDS)} alone")
        if self.headers.get("Idempotency-Key") != asked["id"]:
            raise Refused(HTTPStatus.BAD_REQUEST, "Idempotency-Key must be the id of the payout")
        return cast("dict[str, Any]", asked)

    def ensure_signed(self, body: bytes) -> None:
        """Raise Refused unless the call was signed with our key a moment ago."""
        timestamp = self.headers.get("X-Payouts-Timestamp", "")
        signed = f"{timestamp}.{self.command} {self.path}.".encode() + body
        signature = hmac.new(self.bank.key, signed, hashlib.sha256).hexdigest()
        recent = (
            re.fullmatch("[0-9]{1,12}", timestamp) and abs(time.time() - int(timestamp)) < MAX_SKEW_SECONDS
        )
        if not recent or not hmac.compare_digest(signature, self.headers.get("X-Payouts-Signature", "")):
            raise Refused(HTTPStatus.UNAUTHORIZED, "the call is not signed with our key")

    def answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        """Send the answer; a client that has gone is no error."""
        body = json.dumps(content).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


def main() -> None:
    """Serve until interrupted; PAYOUTS_SIGNING_KEY is the key of its clients."""
    parser = ArgumentParser("stack.sandbox_bank", description=__doc__)
    parser.add_argument("--port", type=int, default=8004, help="port to listen on; 0 takes a free one")
    parser.add_argument("--fault", action="append", choices=FAULTS, default=[], help="of the next call")
    parser.add_argument("--file", type=Path, help="of its payouts, which it knows after a restart")
    options = parser.parse_args()
    with SandboxBank(options.port, key=os.environ["PAYOUTS_SIGNING_KEY"], file=options.file) as bank:
        bank.faults.extend(options.fault)
        print(f"PAYOUTS_URL={bank.url}", flush=True)
        bank.serve_forever()


if __name__ == "__main__":
    main()
