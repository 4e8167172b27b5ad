"""The foundation of both services, which imports neither of them."""
