"""Learners that learn what follows a dose, and let it happen in imagination."""
