"""Off-policy estimators by id: what a policy would have earned, judged on records of another.

One line per estimator, in `evaluation/off_policy/<name>.py`: id -> "module:function". Written as
text so that listing imports nothing heavy; a test resolves every line. Empty until the first
estimator lands.
"""

from __future__ import annotations

ESTIMATORS: dict[str, str] = {}
