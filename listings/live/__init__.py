"""The live feed as workers use it: storing events and pushing them."""
