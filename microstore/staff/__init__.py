"""What staff of each service see and do: front page, roles, records of what they did."""
