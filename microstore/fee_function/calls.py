"""HTTP calls to the fee function: signed, through one pool of connections a process."""

import json
from collections.abc import Sequence
from functools import cache
from http.cookiejar import DefaultCookiePolicy

import requests
from django.conf import settings
from urllib3 import Retry

from microstore.fee_function.quotes import FeeRequest
from microstore.fee_function.signing import aws_signature, sign_headers
from microstore.http.calls import IDENTITY, BoundedAdapter, exchange


def post(
    orders: Sequence[FeeRequest], *, timeout_seconds: tuple[float, float] | None = None
) -> tuple[requests.Response, bytes]:
    """Return the response to a signed POST of these orders at FEES_URL, and its body; raise CallFailed.

    The timeouts are of connecting and of the whole answer, by default FEES_TIMEOUT_SECONDS.
    """
    body = json.dumps({"orders": [order.as_json() for order in orders]}).encode()
    wanted = {"Content-Type": "application/json", **IDENTITY, **sign_headers(body)}
    return exchange(
        session(),
        "POST",
        settings.FEES_URL,
        data=body,
        headers=wanted,
        timeout=timeout_seconds or settings.FEES_TIMEOUT_SECONDS,
    )


@cache
def session() -> requests.Session:
    """Return this process's session, made once: one pool of connections.

    It connects twice at most, which is safe since the function is pure. A read that timed out is not repeated
    here: the broker waits better than a worker does. Nor does urllib3 obey Retry-After: it would make an
    error of the answer that names it.
    """
    retry = Retry(
        connect=1,
        read=0,
        status=0,
        other=0,
        backoff_factor=0.1,
        allowed_methods=None,
        respect_retry_after_header=False,
    )
    pooled = requests.Session()
    # Proxies and certificates of the environment, read once: requests would do so at each call.
    environment = pooled.merge_environment_settings(settings.FEES_URL, {}, None, None, None)
    pooled.proxies, pooled.verify, pooled.trust_env = environment["proxies"], environment["verify"], False
    pooled.auth = aws_signature()
    pooled.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        pooled.mount(scheme, BoundedAdapter(max_retries=retry))
    return pooled
