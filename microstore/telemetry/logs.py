"""Log lines: JSON in production, readable in development, each with its service, process and trace id."""

import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = tuple(logging.getLevelNamesMapping())
HIDDEN = "[hidden]"
SECRET_NAMES = re.compile(
    r"(^|_)(authorization|password|passwd|secret|token|cookie|credentials|api_?key|signing_?key|private_?key)s?$",
    re.IGNORECASE,
)
SECRETS = (
    # user:password@ in an address
    (re.compile(r"(?<=://)([^\s/:@'\"]*):[^\s/@'\"]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"\b(Bearer|Basic|Token)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(r"([?&](?:token|access|refresh|password|key|secret)=)[^&\s'\"#]+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(r"(['\"](?:password|token|access|refresh|secret)['\"]\s*:\s*)(['\"]).*?\2", re.I),
        rf"\1'{HIDDEN}'",
    ),
    # a JWT, wherever it is
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), HIDDEN),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
        HIDDEN,
    ),
)


# Each secret has one of these in its name or before it. Looking for them costs 4 µs a line; hiding, 140.
SIGNS = (
    *("://", "access", "authorization", "basic", "bearer", "cookie", "credential", "eyj", "key", "passw"),
    *("refresh", "secret", "token"),
)


class HidingRenderer:
    """Renderer that hides secrets in log lines, found by their field's name or by their form."""

    def __init__(self, render: Processor) -> None:
        self.render = render

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> Any:
        # A copy, since ConsoleRenderer removes the fields that it renders.
        line = self.render(logger, method, {**event})
        if may_hide(str(line)):
            return self.render(logger, method, hide_secrets(event))
        return line


def may_hide(text: str) -> bool:
    """Return whether the text may hold a secret; a cheap test before the regular expressions."""
    return any(map(text.lower().__contains__, SIGNS))


def hide_secrets(event: EventDict) -> EventDict:
    """Return the event with its secrets replaced by HIDDEN."""
    return {
        name: _hide(name, value) if may_hide(f"{name} {value}") else value for name, value in event.items()
    }


def _hide(name: str, value: Any) -> Any:
    if SECRET_NAMES.search(name) and value:
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): _hide(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hide("", inner) for inner in value]
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = str(value)
    for secret, shown in SECRETS:
        text = secret.sub(shown, text)
    return text


def process_name(argv: list[str]) -> str:
    """Return the kind of this process: `api`, `live`, `worker`, or the command of `manage.py`."""
    program, arguments = Path(argv[0]).name, argv[1:]
    if program == "celery":
        return next((word for word in arguments if word in ("worker", "flower")), "celery")
    if program == "granian":
        return "live" if any(word.startswith("asgi") for word in arguments) else "api"
    return arguments[0] if program == "manage.py" and arguments else program


class StderrLogger:
    """Logger that writes rendered lines to stderr; `logging` would cost more than rendering the line."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        # Text and line end in one write: lines of several threads must not interleave.
        sys.stderr.write(f"{line}\n")

    debug = info = warning = error = critical = msg


def configuration(*, service: str, readable: bool, level: str) -> dict[str, Any]:
    """Configure structlog, and return the dictConfig that gives lines of `logging` the same form."""
    shared, render = _shared_processors(service), _rendering_processors(readable=readable)
    structlog.configure(
        processors=[*shared, *render],
        logger_factory=StderrLogger,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *render,
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structlog": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": [], "propagate": True},
            # Celery logs a line for every batch it receives and ends; the services log each message already.
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }


def _shared_processors(service: str) -> list[Processor]:
    process = process_name(sys.argv)

    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("service", service)
        event.setdefault("process", process)
        # Read for each line: a worker configures logging before it forks its children.
        event.setdefault("pid", os.getpid())
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        add_service,
    ]


def _rendering_processors(*, readable: bool) -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        HidingRenderer(
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
            if readable
            else structlog.processors.JSONRenderer()
        ),
    ]
