"""The API of the service that MICROSTORE_SERVICE names, for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "microstore.settings")
application = get_wsgi_application()

from microstore.metrics.exposition import expose  # noqa: E402  # needs settings

expose(with_facts=True)
