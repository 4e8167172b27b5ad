"""Roles: groups of the admin, created by a migration from each service's `roles.py`."""

from collections.abc import Iterable, Mapping

from django.apps import apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.utils.module_loading import import_string

from microstore.service import path_within

Roles = Mapping[str, Iterable[str]]


def service_roles() -> Roles:
    """Return the permissions of each role in this service: `app.codename` by the group's name."""
    path = path_within(settings.SERVICE, "roles", "ROLES")
    roles: Roles = import_string(path) if path else {}
    return roles


def grant_roles(database: str = "default") -> None:
    """Create the groups and add their permissions; those that an administrator has added are kept.

    Called by migrations: one that grants more calls it again.
    """
    # Django creates permissions after the last migration, which is too late for this one.
    for app in apps.get_app_configs():
        create_permissions(app, verbosity=0, using=database)
    for name, permissions in service_roles().items():
        group, _ = Group.objects.using(database).get_or_create(name=name)
        group.permissions.add(*(_find_permission(permission, database) for permission in permissions))


def _find_permission(name: str, database: str) -> Permission:
    app, _, codename = name.partition(".")
    return Permission.objects.using(database).get(content_type__app_label=app, codename=codename)
