"""Learners that adapt to a new patient within one course: recurrent experience and an inferred context."""
