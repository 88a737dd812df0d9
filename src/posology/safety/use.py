"""What the software may be used for: the sentence that every answer about a patient carries."""

from __future__ import annotations

DISCLAIMER = (
    "Research use only: not a medical device, not for treating patients. A clinician who knows the patient decides."
)
