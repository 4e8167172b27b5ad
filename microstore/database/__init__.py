"""Use of PostgreSQL and of the channel layer that all services share."""
