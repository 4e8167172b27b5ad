"""What the templates of the shop can do."""
