"""The figures that figure_samples writes, for the tests that look at them."""

import argparse
import pathlib
import subprocess
import sys
import tempfile
import unittest


def main(module, needs=None):
    """Runs the tests of `module` on fresh samples; its FOLDER names them.

    `needs` returns the reason why the tests cannot run here, or None.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=pathlib.Path, required=True,
                        help="the program figure_samples")
    options, rest = parser.parse_known_args()
    reason = needs() if needs else None
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.samples.resolve(), folder], check=True)
        module.FOLDER = pathlib.Path(folder)
        unittest.main(module=module, argv=[sys.argv[0], *rest])
