"""The event that a Function URL makes of an HTTP request, payload format 2.0, made locally."""

import base64
import time
import uuid
from collections.abc import Mapping
from typing import Any

TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")


def build_event(
    *, method: str, target: str, protocol: str, headers: Mapping[str, str], body: bytes, source_ip: str
) -> dict[str, Any]:
    """Build the event; `target` is the request line's, `headers` have lower-case names."""
    path, _, query = target.partition("?")
    now = time.time()
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": dict(headers),
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": headers.get("host", "localhost"),
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": path,
                "protocol": protocol,
                "sourceIp": source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        **_encode_body(body, content_type=headers.get("content-type", "")),
    }


def _encode_body(body: bytes, *, content_type: str) -> dict[str, Any]:
    if not body:
        return {"isBase64Encoded": False}
    if content_type.strip().lower().startswith(TEXT_TYPES):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
