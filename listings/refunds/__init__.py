"""Refunds of completed orders, as they are requested and settled here."""
