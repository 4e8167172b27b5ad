"""The whole of docker-compose.yml on an engine: `make containers`."""
