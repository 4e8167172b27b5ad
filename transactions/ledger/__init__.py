"""The ledger: each movement of money as a balanced journal, appended and never changed."""
