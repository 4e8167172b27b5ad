"""HTML pages of the shop: thin views of the same services as the API, with session cookies."""
