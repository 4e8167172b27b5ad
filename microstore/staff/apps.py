"""The Django apps: staff's own tables, and Django's admin with our front page."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class StaffConfig(AppConfig):
    """Records of what staff did."""

    name = "microstore.staff"
    default_auto_field = "django.db.models.BigAutoField"


class StaffAdminConfig(admin_apps.SimpleAdminConfig):
    """Django's admin, with a front page for operators and a log-in that cannot be hammered.

    `urls.py` has it look for what the apps register: who serves no pages need not import them.
    """

    default_site = "microstore.staff.site.StaffSite"
    default = False
