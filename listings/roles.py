"""Permissions of the staff roles in the listings service."""

LOOK = (
    *("listings.view_listing", "listings.view_order", "listings.view_refund", "listings.view_notification"),
    *("auth.view_user", "listings.view_report", "listings.view_customernote"),
    *("listings.view_webhookendpoint", "listings.view_webhookdelivery"),
)
ROLES = {
    "support": (
        *LOOK,
        "listings.moderate_listing",
        "listings.add_customernote",
        "listings.suspend_account",
    ),
    "finance": ("listings.view_order", "listings.view_refund", "listings.request_refund"),
    "operations": (
        *LOOK,
        "listings.view_liveevent",
        "listings.manage_webhooks",
        "messaging.view_outboxmessage",
        "messaging.view_queuedepth",
        "messaging.view_deadletter",
        "messaging.decide_deadletter",
        "staff.view_staffaction",
        "staff.view_logs",
    ),
}
