"""How a policy is found: learners, their targets, networks and loops."""
