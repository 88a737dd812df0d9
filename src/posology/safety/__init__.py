"""What may never be given, whatever the policy says."""
