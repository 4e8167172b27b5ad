"""Every page of the shop, by who opens it."""

# Each path with what make_things in test_browsers.py returns.
PAGES: dict[str | None, tuple[str, ...]] = {
    None: (
        "/",
        "/?search=unicorn",
        "/listings/1/",
        "/listings/999999/",
        "/account/sign-up/",
        "/account/log-in/",
        "/account/forgotten/",
        "/account/reset/?token=none",
        "/account/verify/?token=none",
        "/account/unsubscribe/?token=none",
        "/cart/",
        "/api/messages/",
    ),
    "alice": (
        "/sales/",
        "/sales/balance/",
        "/sales/listings/",
        "/sell/",
        "/listings/1/",
        "/listings/1/edit/",
        "/orders/{order}/",
        "/orders/{order}/refund/",
        "/notifications/",
        "/account/webhooks/",
        "/account/webhooks/{endpoint}/",
    ),
    "bob": (
        "/",
        "/account/",
        "/account/security/",
        "/account/payouts/",
        "/account/data/",
        "/orders/",
        "/orders/{order}/",
        "/orders/{order}/cancel/",
        "/checkouts/{checkout}/",
        "/listings/1/",
        "/listings/1/report/",
        "/notifications/",
        "/cart/",
    ),
}
# These answer GET with JSON for a script, or with an archive.
NO_PAGES = {"stock", "total", "price", "unread", "live-token", "balance-token", "archive"}
# The HTML of these is not ours.
FOREIGN = {f"drf_spectacular.views.Spectacular{name}View" for name in ("SwaggerSplit", "Redoc")}
