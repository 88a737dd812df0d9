"""Learners that judge a dose by what it brings before the next decision."""
