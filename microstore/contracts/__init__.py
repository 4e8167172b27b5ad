"""What the services tell each other: the names and payloads of all messages, and nothing else."""
