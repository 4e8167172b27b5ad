"""Webhooks: facts about orders, sent by HTTP to the endpoints that sellers and staff have registered."""
