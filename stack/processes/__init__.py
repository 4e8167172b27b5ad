"""MicroStore's own processes on this machine, and their environment."""
