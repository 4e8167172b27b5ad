"""Reliable messages between the services: outbox, relay, consumers, dead letters. See README.md."""
