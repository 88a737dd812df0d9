"""How it is seen: one chart per file, used by report, notebook and page alike."""
