"""Signatures of fee requests: HMAC with a shared secret, or AWS's SigV4."""

import hashlib
import hmac
import os
import time

from django.conf import settings
from requests_aws4auth import AWS4Auth


def sign_headers(body: bytes) -> dict[str, str]:
    """Return the headers that `fees/signature.py` checks; none where no key is set."""
    # The first key: the function accepts all of them while one is exchanged for another.
    key = settings.FEES_SIGNING_KEY.partition(",")[0].strip()
    if not key:
        return {}
    timestamp = str(int(time.time()))
    signature = hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Fees-Timestamp": timestamp, "X-Fees-Signature": signature}


def aws_signature() -> AWS4Auth | None:
    """Return a SigV4 signer for a Function URL with `AuthType: AWS_IAM`; None without FEES_AWS_REGION.

    Credentials are AWS's own variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where
    they belong to a role. Each request is signed anew, with its time.
    """
    if not settings.FEES_AWS_REGION:
        return None
    return AWS4Auth(
        os.environ["AWS_ACCESS_KEY_ID"],
        os.environ["AWS_SECRET_ACCESS_KEY"],
        settings.FEES_AWS_REGION,
        "lambda",
        session_token=os.environ.get("AWS_SESSION_TOKEN"),
    )
