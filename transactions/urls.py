"""The URLs of the transactions service."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from transactions.api import TransactionViewSet

router = SimpleRouter()
router.register("transactions", TransactionViewSet, "transaction")

urlpatterns = [path("api/", include(router.urls))]
