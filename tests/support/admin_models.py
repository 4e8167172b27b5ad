"""Every model that has pages in the admin."""

from importlib import import_module

from django.conf import settings
from django.contrib import admin

import_module(settings.ROOT_URLCONF)  # has the admin look for them

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
