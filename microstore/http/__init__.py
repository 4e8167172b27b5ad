"""HTTP for both services: problems, limits, parsers, schema."""
