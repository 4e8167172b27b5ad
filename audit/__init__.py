"""Whether the two services agree: both databases and the broker, compared from outside."""
