"""Learners that keep a number for each cell and dose."""
