"""Measurements of the whole system on real servers, run by `make bench`."""
