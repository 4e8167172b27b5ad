"""What people are told of their orders: stored, to be read in the shop, and sent by e-mail."""
