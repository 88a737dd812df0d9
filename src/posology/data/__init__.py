"""What was recorded: one patient (`record`), units, names, times, and the readers of files."""
