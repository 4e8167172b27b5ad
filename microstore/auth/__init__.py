"""Tokens: signing, verifying, and the keys for it."""
