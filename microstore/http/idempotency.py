"""Requests that a client may repeat with an Idempotency-Key."""

import json
from hashlib import sha256


def hash_request(said: object) -> str:
    """Return the hex digest of what was requested, by which a repeat is told from another request."""
    return sha256(json.dumps(said).encode()).hexdigest()
