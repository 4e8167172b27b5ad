"""Notifications of buyers and sellers about their orders: stored, shown in the shop and sent by e-mail."""
