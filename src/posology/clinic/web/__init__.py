"""What every page and route shares: who asks, what is refused before it is read, how an answer looks."""
