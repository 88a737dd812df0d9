"""`python -m posology` is the same as the command `posology`."""

from __future__ import annotations

from posology.commands import main

if __name__ == "__main__":
    main()
