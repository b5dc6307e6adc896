"""The cells of docs/study.ipynb run, and their figures show the right numbers.

usage: notebook_test.py NOTEBOOK PLANTED_RESULTS
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

try:
    import h5py
    import matplotlib
    import numpy as np
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LAYERS = 29
ONSETS = {"mtvqa": 15, "latex_ocr": 21}  # as planted


def run_cells(path):
    notebook = json.loads(path.read_text("utf-8"))
    assert notebook["nbformat"] == 4
    names = {}
    for index, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == [], "a notebook without outputs is committed"
        exec(compile("".join(cell["source"]), f"cell {index}", "exec"), names)
    return names


def check_numbers(names, path):
    with h5py.File(path) as file:
        for dataset, onset in ONSETS.items():
            mean = file[dataset]["entropy_mean"][:].astype(np.float64)
            assert np.allclose(names["curves"][dataset],
                               np.nanmean(mean, axis=0))
            check_band(names["bands"][dataset], file[dataset])
            answer = int((file[dataset]["token_role"][:] == 3).sum())
            counts = names["onsets"][dataset]
            assert 0.9 * answer < counts.sum() <= answer
            assert abs(np.average(np.arange(LAYERS), weights=counts) -
                       onset) < 1.5, counts
            assert np.allclose(names["shares"][dataset].sum(axis=1), 1,
                               atol=0.01)


def check_band(band, group):
    """As wide as the variance of means over drawn pictures says."""
    mean = group["entropy_mean"][:].astype(np.float64)
    known = ~np.isnan(mean[:, 0])
    centred = mean[known] - mean[known].mean(axis=0)
    rows = group["source_row"][:][known]
    sums = np.array([centred[rows == row].sum(axis=0) for row in np.unique(rows)])
    error = np.sqrt((sums ** 2).sum(axis=0)) / known.sum()
    assert np.allclose(band[1] - band[0], 2 * 1.96 * error, rtol=0.15)


def check_figures():
    """One of entropy, one heat map a data set, one of onsets, one of scripts."""
    figures = [plt.figure(number) for number in plt.get_fignums()]
    assert len(figures) == 3 + len(ONSETS)
    for figure in figures:
        figure.canvas.draw()
        assert all(axes.has_data() for axes in figure.axes)
    titles = [figure.axes[0].get_title() for figure in figures]
    assert titles[0] == "Mean entropy by layer" and "Entropy onset" in titles


def main():
    notebook, planted = (pathlib.Path(name).resolve() for name in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([planted, folder, "--mtvqa", "90", "--latex", "40",
                        "--onset", "mtvqa=15", "--onset", "latex_ocr=21",
                        "--picture-spread", "3"],
                       check=True)
        path = pathlib.Path(folder) / "results.h5"
        os.environ["LENS_RESULTS"] = str(path)
        warnings.simplefilter("error")
        # Of the machine's fonts, not of the notebook.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message=".*Matplotlib currently does")
        warnings.filterwarnings("ignore", message=".*non-interactive")
        names = run_cells(notebook)
        check_numbers(names, path)
        check_figures()
        names["file"].close()
    print("equal: curves, onsets and shares;", len(plt.get_fignums()), "figures")


if __name__ == "__main__":
    main()
