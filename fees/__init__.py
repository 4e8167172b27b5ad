"""The fee function: what MicroStore takes of a sale, in pure standard-library Python."""
