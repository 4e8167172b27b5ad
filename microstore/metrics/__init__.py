"""Metrics for Prometheus, added up over the children of a process at each scrape."""

import sys

from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram

from microstore.metrics.folder import share_numbers

# Before the first metric is made: the library chooses between memory and files when it makes one. All code
# makes metrics of the classes that are imported here, so this runs first.
share_numbers(settings.METRICS_FOLDER, service=settings.SERVICE, argv=sys.argv)

__all__ = ["Counter", "Gauge", "Histogram"]
