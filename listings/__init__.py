"""The listings service: what is on sale, who ordered it, and the live feed."""
