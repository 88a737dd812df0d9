"""Learners that answer for every preference between the terms of a reward."""
