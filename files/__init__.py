"""What every writer of files needs."""
