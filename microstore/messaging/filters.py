"""Filters of the admin's lists of messages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from microstore.messaging.models import DeadLetter
from microstore.messaging.project import registry


class ContractFilter(admin.SimpleListFilter):
    """A filter by the contracts that there are; Django's own would read all letters for their contracts."""

    title = parameter_name = "contract"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in registry().contracts]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        # A letter that could not be read bears the name of its task, which the queue's name precedes.
        contract = registry().contracts.get(self.value() or "")
        return queryset.filter(contract__in=(contract.name, contract.task_name)) if contract else queryset
