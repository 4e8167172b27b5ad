"""Permissions of each staff role in the transactions service."""

ROLES = {
    "support": ("transactions.view_transaction",),
    "finance": ("transactions.view_transaction", "transactions.export_transaction"),
    "operations": (
        "transactions.view_transaction",
        "messaging.view_outboxmessage",
        "messaging.view_queuedepth",
        "messaging.view_deadletter",
        "messaging.decide_deadletter",
        "staff.view_staffaction",
        "staff.view_logs",
    ),
}
