"""Sending: outbox, relay and publisher."""
