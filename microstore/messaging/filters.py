"""Filters of the admin's lists of messages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from microstore.contracts.registry import CONTRACTS
from microstore.messaging.models import DeadLetter


class ContractFilter(admin.SimpleListFilter):
    """By the contracts there are; Django's own filter would look through all letters for those that died."""

    title = parameter_name = "contract"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [(name, name) for name in CONTRACTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> QuerySet[DeadLetter]:
        """A letter that could not be read bears the name of its task, which the service precedes."""
        contract = CONTRACTS.get(self.value() or "")
        return queryset.filter(contract__in=(contract.name, contract.task_name)) if contract else queryset
