"""Payouts: what is available to sellers is claimed once, sent once, and looked up until its fate is known."""
