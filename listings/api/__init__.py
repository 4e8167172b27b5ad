"""The listings service's API: thin doors to the services and the queries."""
