"""Import this first in a test: it skips where the oracle's packages lack."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import needs  # noqa: E402

needs.skip_without("torch", "torchvision", "transformers", "pyarrow", "h5py",
                   "PIL", "safetensors")
