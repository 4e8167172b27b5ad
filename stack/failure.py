"""What the launcher says when it cannot go on."""


class CannotRun(Exception):
    """The reason, and what to do about it, for the person at the terminal."""
