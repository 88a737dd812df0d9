"""What can go wrong in the data layer, each a sentence; the kind tells a page which answer to give."""

from __future__ import annotations


class NotFound(ValueError):
    """There is no such patient, version, user or policy."""


class Conflict(ValueError):
    """Somebody else was first: a stale edit, or an id or name that is taken."""


class Refused(ValueError):
    """Who asks is not let in: a wrong password, an ended session, a locked account."""


class Unavailable(ValueError):
    """The database does not answer or cannot write; asking again later may help."""


class Denied(ValueError):
    """Who asks is known and may not do this."""


class TooMany(ValueError):
    """Asked too often; again later."""
