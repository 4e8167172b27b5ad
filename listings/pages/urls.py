"""URL patterns of the pages."""

from django.urls import path, re_path

from listings.pages import (
    account,
    accounts,
    cart,
    catalogue,
    languages,
    links,
    notifications,
    orders,
    own_listings,
    refunds,
    reports,
    selling,
    webhooks,
)
from listings.pages.form_fields import refuse_ignored_fields

WEBHOOK = r"^account/webhooks/(?P<endpoint_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/"
LISTING = r"^listings/(?P<listing_id>[0-9]{1,18})/"

app_name = "shop"
urlpatterns = [
    path("", catalogue.catalogue, name="catalogue"),
    re_path(rf"{LISTING}$", catalogue.listing_page, name="listing"),
    re_path(rf"{LISTING}buy/$", catalogue.buy, name="buy"),
    re_path(rf"{LISTING}total/$", catalogue.total, name="total"),
    re_path(rf"{LISTING}cart/$", cart.add, name="add-to-cart"),
    re_path(rf"{LISTING}(?P<action>withdraw|publish)/$", own_listings.set_sale, name="set-sale"),
    re_path(rf"{LISTING}report/$", reports.report, name="report"),
    re_path(rf"{LISTING}edit/$", own_listings.edit, name="edit"),
    re_path(rf"{LISTING}pictures/$", own_listings.add_picture, name="add-picture"),
    re_path(
        rf"{LISTING}pictures/(?P<image_id>[0-9]{{1,18}})/(?P<way>earlier|later)/$",
        own_listings.move_picture,
        name="move-picture",
    ),
    re_path(
        rf"{LISTING}pictures/(?P<image_id>[0-9]{{1,18}})/remove/$",
        own_listings.remove_picture,
        name="remove-picture",
    ),
    path("cart/", cart.cart, name="cart"),
    re_path(r"^cart/(?P<listing_id>[0-9]{1,18})/$", cart.change, name="change-cart"),
    path("stock/", catalogue.stock, name="stock"),
    path("sell/", selling.sell, name="sell"),
    path("sell/price/", selling.price, name="price"),
    path("sales/", selling.sales, name="sales"),
    path("sales/listings/", own_listings.own_listings, name="own-listings"),
    path("sales/balance/", selling.balance, name="balance"),
    path("orders/", orders.orders, name="orders"),
    path("checkouts/<uuid:checkout_id>/", orders.checkout_page, name="checkout"),
    path("orders/<uuid:order_id>/", orders.order_page, name="order"),
    path("orders/<uuid:order_id>/cancel/", orders.cancel, name="cancel"),
    path("orders/<uuid:order_id>/refund/", refunds.refund, name="refund"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/unread/", notifications.unread, name="unread"),
    path("notifications/read-all/", notifications.mark_all_read, name="read-all"),
    path("notifications/email/", notifications.set_email, name="set-email"),
    re_path(
        r"^notifications/(?P<notification_id>[0-9]{1,18})/read/$", notifications.mark_read, name="mark-read"
    ),
    path("language/", languages.set_language, name="set-language"),
    path("account/", account.show, {"page": "profile"}, name="account"),
    path("account/security/", account.show, {"page": "security"}, name="security"),
    path("account/payouts/", account.show, {"page": "payouts"}, name="payouts"),
    path("account/data/", account.show, {"page": "data"}, name="data"),
    path("account/webhooks/", webhooks.webhooks, name="webhooks"),
    path("account/webhooks/<uuid:endpoint_id>/", webhooks.webhook, name="webhook"),
    re_path(
        rf"{WEBHOOK}(?P<action>on|off|ping|rotate|delete)/$", webhooks.change_webhook, name="change-webhook"
    ),
    re_path(
        rf"{WEBHOOK}deliveries/(?P<delivery_id>[0-9]{{1,18}})/redeliver/$",
        webhooks.redeliver_webhook,
        name="redeliver-webhook",
    ),
    path("account/password/", account.set_password, name="set-password"),
    path("account/address/", account.set_address, name="set-address"),
    path("account/sessions/<uuid:session_id>/end/", account.end_session, name="end-session"),
    path("account/sessions/end-others/", account.end_others, name="end-others"),
    path("account/archive/", account.archive, name="archive"),
    path("account/bank-account/", account.set_bank_account, name="set-bank-account"),
    path("account/delete/", account.delete, name="delete-account"),
    path("account/send-link/", links.send_link, name="send-link"),
    path("account/verify/", links.verify, name="verify"),
    path("account/forgotten/", links.forgotten, name="forgotten"),
    path("account/reset/", links.reset, name="reset"),
    path("account/unsubscribe/", links.unsubscribe, name="unsubscribe"),
    path("account/sign-up/", accounts.sign_up, name="sign-up"),
    path("account/log-in/", accounts.log_in, name="log-in"),
    path("account/log-out/", accounts.log_out, name="log-out"),
    path("account/live-token/", accounts.live_token, name="live-token"),
    path("account/balance-token/", accounts.balance_token, name="balance-token"),
]
urlpatterns = [refuse_ignored_fields(pattern) for pattern in urlpatterns]
