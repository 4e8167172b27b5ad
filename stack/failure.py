"""The launcher's failure that a person can do something about."""


class CannotRun(Exception):
    """The reason, and what to do about it, for the person at the terminal."""
