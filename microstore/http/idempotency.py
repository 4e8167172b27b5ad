"""Requests that a client may repeat with an Idempotency-Key."""

import json
from hashlib import sha256


def hash_request(said: object) -> str:
    """Return the hex digest of what was requested, which distinguishes a repeat from another request."""
    return sha256(json.dumps(said).encode()).hexdigest()
