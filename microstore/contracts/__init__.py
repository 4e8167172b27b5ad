"""Names and payloads of all messages between the services, and nothing else."""
