"""Published control problems, one file each."""
