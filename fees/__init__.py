"""The fee function: the shop's share of a sale, in pure standard-library Python."""
