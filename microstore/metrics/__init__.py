"""Numbers for Prometheus: counted where things happen, added up over children when asked for."""

import sys

from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram

from microstore.metrics.folder import share_numbers

# Before the first number is made. Numbers are made of what is imported here, so that this comes first.
share_numbers(settings.METRICS_FOLDER, service=settings.SERVICE, argv=sys.argv)

__all__ = ["Counter", "Gauge", "Histogram"]
