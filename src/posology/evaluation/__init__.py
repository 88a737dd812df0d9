"""Is it better: trials, endpoints and intervals."""
