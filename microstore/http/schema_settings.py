"""Settings of drf-spectacular, which makes the schema of a service's API."""

from collections.abc import Mapping
from typing import Any


def describe_api(service: str, *, enum_names: Mapping[str, str]) -> dict[str, Any]:
    """Return SPECTACULAR_SETTINGS of a service; `enum_names` are dotted paths of choices by their name."""
    return {
        "ENUM_NAME_OVERRIDES": enum_names,
        "TITLE": f"MicroStore {service}",
        "DESCRIPTION": (
            "A marketplace that never sells the same thing twice and never loses an order.\n\n"
            "Log in at the listings service (`POST /api/auth/token/`) and send `Authorization: Bearer …` to "
            "both services. Money is whole minor units (`price_cents`) and a currency. Errors are problem "
            "details (RFC 9457): decide by `status` and `type`, show `detail`. Every answer has an "
            "`X-Trace-Id`; send one of up to 128 printable characters, and it is returned, and logged beside "
            "ours, which then is in `traceresponse`."
        ),
        "VERSION": "1.0.0",
        "COMPONENT_SPLIT_REQUEST": True,  # requests are read strictly, answers grow
        "SERVE_INCLUDE_SCHEMA": False,
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
        "REDOC_DIST": "SIDECAR",
    }
