"""How fast, how exact and how good: the code behind `posology benchmark` and `posology evidence`."""
