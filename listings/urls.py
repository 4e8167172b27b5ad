"""Addresses of the listings service."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter
from rest_framework_simplejwt.views import TokenObtainPairView

from listings.api import ListingViewSet, OrderViewSet, RefreshView, RegisterView
from listings.consumers import ListingsFeed

router = SimpleRouter()
router.register("listings", ListingViewSet, "listing")
router.register("orders", OrderViewSet, "order")

urlpatterns = [
    path("api/auth/register/", RegisterView.as_view(), name="register"),
    path("api/auth/token/", TokenObtainPairView.as_view(), name="token"),
    path("api/auth/token/refresh/", RefreshView.as_view(), name="token-refresh"),
    path("api/", include(router.urls)),
]
websocket_urlpatterns = [path("ws/listings/", ListingsFeed.as_asgi())]  # type: ignore[arg-type]  # an ASGI app, as Channels wants
