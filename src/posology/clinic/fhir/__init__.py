"""What a hospital's system reads of us and we of it, as FHIR R4 (http://hl7.org/fhir/R4): plain data, no server.

capability.py   what a facade that uses these functions can do
served.py       a record as the resources that a server shows
export.py       a recommendation, or what a person decided on it, as a bundle
proposal.py     a dose as MedicationRequest
guidance.py     the recommendation as GuidanceResponse
issues.py       limits that bound, warnings and abstentions as DetectedIssue
inputs.py       what entered a recommendation
faults.py       what is wrong with a bundle, with its path, as OperationOutcome
"""
