"""One file per step of the database, in order; a step that was released is never changed."""
