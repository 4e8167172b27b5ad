"""Logs, traces, health and heartbeats of every process."""
