"""The management commands of the audit."""
