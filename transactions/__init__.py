"""The transactions service: what each sale cost, recorded once."""
