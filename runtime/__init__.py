"""Connecting: the embedded server, the client, what clients say to workflows, logs and metrics."""
