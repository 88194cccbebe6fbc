"""What every provider owes the activities."""
