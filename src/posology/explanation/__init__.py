"""Why this dose: what moved it, what would change it, a tree, nearest patients, the next measurement, and the words for it."""
