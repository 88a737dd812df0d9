"""Pages for people: one file per page, with its template in `templates/`."""
