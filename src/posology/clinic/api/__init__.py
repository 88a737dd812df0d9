"""Routes for programs: one file per resource."""
