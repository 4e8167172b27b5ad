"""Permissions of each staff role in the transactions service."""

ROLES = {
    "support": ("transactions.view_transaction", "transactions.view_refund", "transactions.view_payout"),
    "finance": (
        *("transactions.view_transaction", "transactions.export_transaction", "transactions.view_refund"),
        *("transactions.view_payout", "transactions.view_bankaccount", "transactions.view_statementline"),
        "transactions.decide_payout",
        *("transactions.export_refund", "transactions.view_journal", "transactions.view_entry"),
        "transactions.export_entry",
        *(f"transactions.{action}_sellertier" for action in ("view", "add", "change", "delete")),
    ),
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
