"""Data of the demonstration shop: listings, sellers' names and pictures."""
