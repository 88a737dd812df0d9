"""Learners whose policy is a neural network."""
