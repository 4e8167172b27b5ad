"""Buying: one thing or several at once, from the request to the commit."""
