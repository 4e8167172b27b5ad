"""The fee function as its callers see it: requests and quotes, signed HTTP calls."""
