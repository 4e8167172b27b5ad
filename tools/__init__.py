"""Generators of the reference pages in docs/, and the check of how old reports are."""
