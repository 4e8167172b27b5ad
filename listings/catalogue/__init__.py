"""The catalogue: selling, finding and moderating listings."""
