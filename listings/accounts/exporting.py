"""Archives of accounts: requested by their owner, made by tasks of both services, kept for a day.

The transactions service sends its rows a page at a time. Each page that is stored requests the next one in
the same database transaction, and `reconcile` requests again what does not come: a crash delays it only.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from listings.accounts import history
from listings.accounts.archive import make_archive
from listings.accounts.models import AccountEvent, AccountExport, ExportPage
from microstore.contracts.accounts import EXPORT_REQUESTED, AccountExported
from microstore.database.clock import database_now
from microstore.messaging.sending import outbox
from microstore.telemetry.tracing import current_trace

KEPT_FOR = timedelta(days=1)
# An outage of hours makes a few copies of each request, not one a round.
PATIENCE = timedelta(hours=1)

log = structlog.get_logger(__name__)


def find_export(user_id: int) -> AccountExport | None:
    """Return the account's archive, made or being made, without its bytes; None where there is none."""
    export = AccountExport.objects.filter(user_id=user_id).defer("private_archive").first()
    if export and export.ready_at and export.ready_at < database_now() - KEPT_FOR:
        return None
    return export


def find_or_request(user_id: int, *, request: HttpRequest) -> AccountExport:
    """Return the account's archive, made or being made; where there is none, have one made."""
    if export := find_export(user_id):
        return export
    with transaction.atomic():
        # Of requests at the same moment one deletes what is over, and one inserts.
        _over().filter(user_id=user_id).delete()
        export, is_new = AccountExport.objects.get_or_create(
            user_id=user_id, defaults={"trace": current_trace()}
        )
        if is_new:
            history.record(AccountEvent.Kind.EXPORT_REQUESTED, user_id, request=request)
            _request_page(export)
    return export


def read_archive(export: AccountExport) -> bytes | None:
    """Return the bytes of the archive; None while it is being made."""
    archive = AccountExport.objects.filter(pk=export.pk).values_list("private_archive", flat=True).first()
    return None if archive is None else bytes(archive)


def store_pages(messages: Sequence[AccountExported]) -> None:
    """Store each page that is awaited and request the one after it; with the last one, make the archive.

    Idempotent: a page that came before is awaited no more, and nor is one of an archive that was deleted.
    """
    for message in messages:
        with transaction.atomic():
            awaited = AccountExport.objects.filter(
                pk=message.export_id, user_id=message.account_id, page=message.page, ready_at=None
            )
            export = awaited.select_for_update().first()
            if export:
                _store(export, message)


def carry_on_exports(older_than: timedelta) -> Iterator[int]:
    """Delete archives that are over, and request again what does not come; yield 1 for each request."""
    _over().delete()
    now = database_now()
    waiting = AccountExport.objects.filter(ready_at=None, sent_at__lt=now - older_than)
    for export_id in list(waiting.values_list("pk", flat=True)):
        with transaction.atomic():
            export = waiting.select_for_update(skip_locked=True).filter(pk=export_id).first()
            if export and (export.requested_at > now - PATIENCE or export.sent_at < now - PATIENCE):
                _request_page(export)
                yield 1


def _over() -> QuerySet[AccountExport]:
    return AccountExport.objects.filter(ready_at__lt=database_now() - KEPT_FOR)


def _store(export: AccountExport, message: AccountExported) -> None:
    ExportPage.objects.create(export=export, page=message.page, file=message.file, private_rows=message.rows)
    if message.next_cursor:
        export.page, export.cursor = message.page + 1, message.next_cursor
        _request_page(export)
        return
    export.private_archive = make_archive(export)
    export.ready_at = database_now()
    export.save()
    export.pages.all().delete()
    log.info("export_ready", account_id=export.user_id, bytes=len(export.private_archive))


def _request_page(export: AccountExport) -> None:
    export.sent_at = database_now()
    export.save()
    outbox.send(
        EXPORT_REQUESTED,
        export_id=export.pk,
        account_id=export.user_id,
        page=export.page,
        cursor=export.cursor,
        trace=export.trace,
    )
