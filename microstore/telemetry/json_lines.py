"""Log lines as JSON of programs that start before the settings are read: granian, by granian.json."""

import json
import logging
import os
import sys
from datetime import UTC, datetime

from microstore.telemetry.logs import process_name


class JsonLines(logging.Formatter):
    """A formatter whose lines have the fields of those that structlog writes."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "service": os.environ.get("MICROSTORE_SERVICE", ""),
            "process": process_name(sys.argv),
            "pid": record.process,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
