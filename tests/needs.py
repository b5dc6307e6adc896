"""What a test in Python cannot run without."""

import importlib.util
import sys

SKIPPED = 77  # what CTest is told to read as "skipped"


def skip_without(*names):
    """Ends the program as skipped, with the packages that lack."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        print(f"skipped (no {', '.join(missing)}); scripts/setup.sh --tests "
              "installs it")
        sys.exit(SKIPPED)
