"""The URLs of the transactions service."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from transactions.api import TransactionViewSet
from transactions.ledger.api import BalanceView, LedgerView
from transactions.ledger.statement_api import StatementView
from transactions.payouts.api import PayoutViewSet

router = SimpleRouter()
router.register("transactions", TransactionViewSet, "transaction")
router.register("payouts", PayoutViewSet, "payout")

urlpatterns = [
    path("api/balance/", BalanceView.as_view(), name="balance"),
    path("api/ledger/", LedgerView.as_view(), name="ledger"),
    path("api/ledger/statement/", StatementView.as_view(), name="statement"),
    path("api/", include(router.urls)),
]
