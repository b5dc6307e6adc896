"""Import this first in a test: it skips where the oracle's packages lack."""

import importlib.util
import sys

SKIPPED = 77  # what CTest is told to read as "skipped"

_missing = [name for name in ("torch", "torchvision", "transformers",
                              "pyarrow", "h5py", "PIL", "safetensors")
            if importlib.util.find_spec(name) is None]
if _missing:
    print(f"skipped (no {', '.join(_missing)}); install "
          "scripts/requirements-test.txt")
    sys.exit(SKIPPED)
