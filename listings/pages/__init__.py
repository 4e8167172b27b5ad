"""The shop's own pages: thin doors to the same services as the API, for people with a browser."""
