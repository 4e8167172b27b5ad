"""Refunds: decided once, by the amounts that were frozen with the sale."""
