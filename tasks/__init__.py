"""What can be done to a task, and what becomes of a lost one. Used by command line, bridge and reconciliation alike.

The decision about retrying: docs/adr/0018.
"""
