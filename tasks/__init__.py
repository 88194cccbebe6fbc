"""What can be done to a task, and what becomes of a lost one. Used by command line, bridge and reconciliation alike."""
