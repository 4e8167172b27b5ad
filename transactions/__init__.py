"""The transactions service: each sale with its fee, recorded once."""
