"""Connecting to Temporal: client, encryption, queues, schedules, worker life cycle and development server."""
