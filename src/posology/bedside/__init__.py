"""What one patient gets: recommendation, what-if, what is missing, the decision. No web, no SQL."""
