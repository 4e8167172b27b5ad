"""Addresses of the listings service."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from listings.accounts.api import (
    LogInView,
    LogOutView,
    PasswordView,
    ProfileView,
    RefreshView,
    RegisterView,
    public_keys,
)
from listings.accounts.bank_account_api import BankAccountView
from listings.accounts.deletion_api import DeleteAccountView
from listings.accounts.export_api import ExportView
from listings.accounts.mail_api import ForgottenView, ResetView, SendLinkView, VerifyView
from listings.accounts.session_api import EndOthersView, HistoryView, SessionsView, SessionView
from listings.buying.api import BuyView
from listings.buying.checkout_api import CheckoutsView
from listings.buying.quote_api import CheckoutQuoteView, QuoteView
from listings.catalogue.api import CategoriesView, ListingViewSet
from listings.catalogue.image_api import ImageOrderView, ImagesView, ImageView, PictureView
from listings.catalogue.report_api import ReportView
from listings.notifications.api import NotificationViewSet
from listings.orders.api import OrderViewSet
from listings.orders.checkout_api import CheckoutView
from listings.refunds.api import RefundsView
from listings.webhooks.api import DeliveriesView, DeliveryView, RedeliverView, WebhookViewSet

router = SimpleRouter()
router.register("listings", ListingViewSet, "listing")
router.register("orders", OrderViewSet, "order")
router.register("notifications", NotificationViewSet, "notification")
router.register("webhooks", WebhookViewSet, "webhook")

DELIVERY = (
    r"^api/webhooks/(?P<endpoint_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"/deliveries/(?P<delivery_id>[0-9]{1,18})/"
)
IMAGES = r"^api/listings/(?P<listing_id>[0-9]{1,18})/images/"

urlpatterns = [
    re_path(r"^api/listings/(?P<pk>[1-9][0-9]{0,17})/buy/$", BuyView.as_view(), name="buy"),
    re_path(r"^api/listings/(?P<pk>[1-9][0-9]{0,17})/quote/$", QuoteView.as_view(), name="quote"),
    re_path(r"^api/listings/(?P<pk>[1-9][0-9]{0,17})/report/$", ReportView.as_view(), name="report"),
    path("api/auth/register/", RegisterView.as_view(), name="register"),
    path("api/auth/token/", LogInView.as_view(), name="token"),
    path("api/auth/token/refresh/", RefreshView.as_view(), name="token-refresh"),
    path("api/auth/logout/", LogOutView.as_view(), name="logout"),
    path("api/auth/password/", PasswordView.as_view(), name="password"),
    path("api/auth/me/", ProfileView.as_view(), name="profile"),
    path("api/auth/me/bank-account/", BankAccountView.as_view(), name="bank-account"),
    path("api/auth/me/delete/", DeleteAccountView.as_view(), name="delete-account"),
    path("api/auth/me/export/", ExportView.as_view(), name="export-account"),
    path("api/auth/email/send-link/", SendLinkView.as_view(), name="send-link"),
    path("api/auth/email/verify/", VerifyView.as_view(), name="verify-address"),
    path("api/auth/password/forgotten/", ForgottenView.as_view(), name="forgotten-password"),
    path("api/auth/password/reset/", ResetView.as_view(), name="reset-password"),
    path("api/auth/sessions/", SessionsView.as_view(), name="sessions"),
    path("api/auth/sessions/end-others/", EndOthersView.as_view(), name="end-other-sessions"),
    path("api/auth/sessions/<uuid:session_id>/", SessionView.as_view(), name="session"),
    path("api/auth/history/", HistoryView.as_view(), name="account-history"),
    path(".well-known/jwks.json", public_keys, name="jwks"),
    path("api/orders/<uuid:id>/refunds/", RefundsView.as_view(), name="refunds"),
    path("api/webhooks/<uuid:endpoint_id>/deliveries/", DeliveriesView.as_view(), name="webhook-deliveries"),
    re_path(rf"{DELIVERY}$", DeliveryView.as_view(), name="webhook-delivery"),
    re_path(rf"{DELIVERY}redeliver/$", RedeliverView.as_view(), name="redeliver-webhook"),
    path("api/categories/", CategoriesView.as_view(), name="categories"),
    path("api/checkouts/quote/", CheckoutQuoteView.as_view(), name="checkout-quote"),
    path("api/checkouts/<uuid:id>/", CheckoutView.as_view(), name="checkout"),
    path("api/checkouts/", CheckoutsView.as_view(), name="checkouts"),
    re_path(rf"{IMAGES}$", ImagesView.as_view(), name="images"),
    re_path(rf"{IMAGES}order/$", ImageOrderView.as_view(), name="image-order"),
    re_path(rf"{IMAGES}(?P<image_id>[0-9]{{1,18}})/$", ImageView.as_view(), name="image"),
    re_path(
        r"^pictures/(?P<image_id>[0-9]{1,18})/(?P<size>large|small)\.jpg$",
        PictureView.as_view(),
        name="picture",
    ),
    path("api/", include(router.urls)),
    path("", include("listings.pages.urls")),
]
