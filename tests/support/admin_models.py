"""The admin of the service, once it has looked for what has pages in it."""

from importlib import import_module

from django.conf import settings
from django.contrib import admin

import_module(settings.ROOT_URLCONF)  # has it look

SITE = admin.site
REGISTERED = sorted(SITE._registry, key=lambda model: model._meta.label)
