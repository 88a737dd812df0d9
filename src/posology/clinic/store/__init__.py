"""All SQL of the clinic, one subject per file; every write adds a row to the audit trail in its transaction.

    patients    records: create, create_all, read, edit, history, listing, add_dose, add_observation
    decisions   decide, decisions_of
    findings    drug responses, immune and model parameters, policies
    leaving     export and erase one patient
    intact      altered: records that are not those of their audit rows
    trail       the audit trail, to read
    users       names, roles, passwords
    logins      sessions and API tokens
    identities  users whom an identity provider knows
    cohorts     uploaded files of patients and their quality (used as `cohorts.add`, …)
    ehr_clients add_client, retire_client, list_clients: systems that may ask at our hooks
    hook_feedback  keep_feedback, list_feedback
    smart_launches  keep_launch, take_launch (used as `smart_launches.…`)
    jobs        background work under leases (used as `jobs.claim`, …)
"""

from __future__ import annotations

from posology.clinic.store.decisions import decide, decisions_of
from posology.clinic.store.ehr_clients import add_client, list_clients, retire_client
from posology.clinic.store.findings import add, add_policy, found, list_policies, retire_policy
from posology.clinic.store.hook_feedback import keep_feedback, list_feedback
from posology.clinic.store.identities import enter_from
from posology.clinic.store.intact import altered
from posology.clinic.store.leaving import erase, export
from posology.clinic.store.logins import (
    add_token,
    begin,
    end,
    end_all,
    list_tokens,
    revoke_token,
    session_user,
    token_user,
)
from posology.clinic.store.patients import (
    Patient,
    add_dose,
    add_observation,
    count,
    create,
    create_all,
    edit,
    history,
    key_of,
    listing,
    read,
)
from posology.clinic.store.trail import Sought, lines, trail
from posology.clinic.store.users import User, add_user, change, list_users, log_in, set_password, the_user

__all__ = [
    "Patient", "Sought", "User", "add", "add_client", "add_dose", "add_observation", "add_policy", "add_token", "add_user",
    "altered", "begin", "change", "count", "create", "create_all", "decide", "decisions_of", "edit", "end", "end_all",
    "enter_from", "erase", "export", "found", "history", "keep_feedback", "key_of", "lines", "list_clients", "list_feedback",
    "list_policies", "list_tokens", "list_users", "listing", "log_in", "read", "retire_client", "retire_policy",
    "revoke_token", "session_user", "set_password", "the_user", "token_user", "trail",
]  # fmt: skip
