"""Circuit breakers of tests."""

from microstore.http.circuit_breaker import CircuitBreaker


def lasting_breaker(*, failures: int = 3) -> CircuitBreaker:
    """One that stays open: a second was over before a busy machine had come to the next call."""
    return CircuitBreaker(failures=failures, pause_seconds=60, longest_pause_seconds=60)
