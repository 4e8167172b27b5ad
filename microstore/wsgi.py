"""The API of the service that MICROSTORE_SERVICE names, for a WSGI server."""

import os
from typing import Any

from microstore.http.worker_signals import end_on_signals

end_on_signals()

from django.core.wsgi import get_wsgi_application  # noqa: E402  # loading takes a second, signals come before

from microstore.environment import read_settings  # noqa: E402  # the same

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "microstore.settings")
read_settings()
application: Any = get_wsgi_application()

from microstore.http.utf8_requests import Utf8WSGIRequest  # noqa: E402  # needs settings

application.request_class = Utf8WSGIRequest

from django.conf import settings  # noqa: E402  # the settings are read by get_wsgi_application
from django.utils.module_loading import import_string  # noqa: E402  # the same

if settings.EXPRESS_LANE:
    application = import_string(settings.EXPRESS_LANE)(application)

from microstore.http.slow_bodies import TimedBodies  # noqa: E402  # needs settings
from microstore.metrics.exposition import expose  # noqa: E402  # the same

# Outermost, so that bodies of requests that EXPRESS_LANE serves without Django have the deadline, too.
application = TimedBodies(application)

expose(with_database=True)
