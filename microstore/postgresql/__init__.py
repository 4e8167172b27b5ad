"""Django's PostgreSQL backend with a health check that polls the socket first."""
