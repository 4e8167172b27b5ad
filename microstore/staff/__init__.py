"""Admin of each service: front page, roles, trace search and records of actions."""
