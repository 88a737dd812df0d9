"""Learners that keep the costs of a course within what is allowed."""
