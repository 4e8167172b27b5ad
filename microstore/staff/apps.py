"""Django apps: the tables of staff actions, and Django's admin with another front page."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate, pre_migrate

from microstore.database.encoding import ensure_utf8
from microstore.database.rights import grant_rights


class StaffConfig(AppConfig):
    """App of staff actions, roles and the trace search."""

    name = "microstore.staff"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Of whichever app: the signals come before the first table of all, and after the last.
        pre_migrate.connect(ensure_utf8, sender=self)
        post_migrate.connect(grant_rights, sender=self)
        # At the fields, so that every form and command has these rules.
        from django.contrib.auth.models import User  # noqa: PLC0415  # models are not loaded before

        from microstore.auth.addresses import validate_address  # noqa: PLC0415  # the same
        from microstore.auth.names import validate_script  # noqa: PLC0415  # the same

        User._meta.get_field("username").validators.append(validate_script)
        User._meta.get_field("email").validators.append(validate_address)


class StaffAdminConfig(admin_apps.SimpleAdminConfig):
    """Django's admin, with a front page for operators and a log-in that limits failed attempts.

    `urls.py` calls autodiscover, so that processes without pages do not import the apps' admin modules.
    """

    default_site = "microstore.staff.site.StaffSite"
    default = False
