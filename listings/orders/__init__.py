"""Orders as their buyers, sellers and staff see them."""
