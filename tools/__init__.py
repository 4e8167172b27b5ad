"""Generators of the reference pages, checks of the deployment's files, `manage.py startservice`."""
