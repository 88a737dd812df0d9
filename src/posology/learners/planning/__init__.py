"""Policies that choose by looking ahead through a patient model."""
