"""How the fee function knows us: by a secret that it shares with us, or by AWS's own signature."""

import hashlib
import hmac
import os
import time

from django.conf import settings
from requests_aws4auth import AWS4Auth


def signature_of(body: bytes) -> dict[str, str]:
    """The headers that `fees/signature.py` checks; none where no key is set."""
    key = settings.FEES_SIGNING_KEY.partition(",")[0].strip()
    if not key:
        return {}
    timestamp = str(int(time.time()))
    signature = hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Fees-Timestamp": timestamp, "X-Fees-Signature": signature}


def aws_signature() -> AWS4Auth | None:
    """SigV4 for a Function URL with `AuthType: AWS_IAM`, where FEES_AWS_REGION is set; AWS checks it.

    Who signs is named by AWS's own variables, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and
    AWS_SESSION_TOKEN where the credentials are a role's). Each request is signed anew, with its time.
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
