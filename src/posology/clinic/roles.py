"""Who may do what. What no line allows is denied."""

from __future__ import annotations

from collections.abc import Mapping

PERMISSIONS: Mapping[str, str] = {
    "patient:read": "see a patient's record, its versions, recommendations and decisions",
    "patient:write": "enter and edit records, responses and parameters",
    "patient:export": "take out one patient's whole history",
    "patient:erase": "remove one patient's data for good",
    "decision:write": "record a decision on a recommendation",
    "cohort:read": "see cohorts without identities, runs and trials",
    "cohort:write": "upload cohorts, export them without identities",
    "job:write": "start and cancel trainings and trials",
    "policy:write": "add and retire policies",
    "audit:read": "read and verify the audit trail",
    "user:write": "add users, change roles, end sessions",
    "database:write": "upgrade, copy, back up and restore the database",
}

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({"patient:read", "cohort:read"}),
    "clinician": frozenset({"patient:read", "patient:write", "patient:export", "decision:write", "cohort:read"}),
    "researcher": frozenset({"cohort:read", "cohort:write", "job:write", "policy:write"}),
    "data manager": frozenset(
        {"patient:read", "patient:write", "patient:export", "patient:erase", "cohort:read", "cohort:write"}
    ),
    "auditor": frozenset({"audit:read"}),
    # Runs the place and sees no patient: who needs both gets two accounts.
    "admin": frozenset({"user:write", "policy:write", "job:write", "database:write", "cohort:read"}),
}


def allowed(role: str, permission: str) -> bool:
    """Whether a role has a permission; an unknown role or permission is never allowed."""
    return permission in ROLES.get(role, frozenset())


def known_role(role: str) -> str:
    """`role` itself.

    Raises:
        ValueError: when there is no such role.
    """
    if role not in ROLES:
        raise ValueError(f"role: '{role}' is not known; allowed: {', '.join(ROLES)}")
    return role
