"""Readers of other makers open results.h5 without a warning and agree.

usage: readers_test.py STORAGE_SAMPLE_RUN RELEASED_FIXTURE

h5py, xarray (h5netcdf and netcdf4), netCDF4, ncdump and h5dump open files that
the given program writes (whole, with raw states, partial with an empty data
set), and the released fixture. Any Python warning is an error.
"""

import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile
import warnings

warnings.simplefilter("error")

import h5py
import netCDF4
import numpy as np
import xarray

GROUPS = ("mtvqa", "latex_ocr")


def values_of_h5py(path, group):
    with h5py.File(path, "r") as file:
        found = {}
        for name, dataset in file[group].items():
            if not dataset.attrs.get("NAME", b"").startswith(b"This is a netCDF"):
                is_text = h5py.check_string_dtype(dataset.dtype)
                found[name] = dataset.asstr()[:] if is_text else dataset[:]
        return found


def values_of_xarray(path, group, engine):
    with xarray.open_dataset(path, group=group, engine=engine,
                             mask_and_scale=False) as dataset:
        return {name: variable.values
                for name, variable in dataset.variables.items()}


def values_of_netcdf4(path, group):
    with netCDF4.Dataset(path) as file:
        return {name: np.asarray(variable[...].filled(np.nan)
                                 if np.ma.isMaskedArray(variable[...])
                                 and variable.dtype.kind == "f"
                                 else variable[...])
                for name, variable in file[group].variables.items()}


def total(values):
    """Sum of numbers without NaN, or bytes and digest of text."""
    values = np.asarray(values)
    if values.dtype.kind in "OUS":
        return "\0".join(str(text) for text in values.ravel())
    return float(np.nansum(values.astype(np.float64))), int(values.size)


def check_agreement(path):
    for group in GROUPS:
        reference = values_of_h5py(path, group)
        assert len(reference) >= 30, sorted(reference)
        others = {
            "xarray h5netcdf": values_of_xarray(path, group, "h5netcdf"),
            "xarray netcdf4": values_of_xarray(path, group, "netcdf4"),
            "netCDF4": values_of_netcdf4(path, group),
        }
        for reader, values in others.items():
            for name, expected in reference.items():
                assert name in values, (reader, name)
                assert total(values[name]) == total(expected), (reader, group,
                                                                name)
                assert values[name].shape == expected.shape, (reader, name)


def check_masked_read(path):
    """Valid ranges and fill values hide nothing but NaN by default."""
    for group in GROUPS:
        reference = values_of_h5py(path, group)
        with netCDF4.Dataset(path) as file:
            for name, variable in file[group].variables.items():
                read = variable[...]
                hidden = int(np.ma.getmaskarray(read).sum())
                if variable.dtype is not str and variable.dtype.kind == "f":
                    hidden -= int(np.isnan(reference[name]).sum())
                assert hidden == 0, (group, name, hidden)
        for engine in ("h5netcdf", "netcdf4"):
            with xarray.open_dataset(path, group=group,
                                     engine=engine) as dataset:
                for name in reference:
                    assert (total(dataset[name].values) ==
                            total(reference[name])), (engine, name)


def check_ragged_rows(path):
    """The rows of a sample by offset, and by a group-by, are the same."""
    with xarray.open_dataset(path, group="mtvqa", engine="h5netcdf") as dataset:
        offset = dataset["token_offset"].values
        assert offset[0] == 0 and offset[-1] == dataset.sizes["token"]
        for sample in range(dataset.sizes["sample"]):
            rows = np.arange(offset[sample], offset[sample + 1])
            by_sample = np.flatnonzero(dataset["token_sample"].values == sample)
            assert np.array_equal(rows, by_sample)
            answer = dataset["token_role"].values[rows] == 3
            mean = dataset["entropy_mean"].values[sample]
            if answer.any():
                expected = dataset["entropy"].values[rows][answer].mean(axis=0)
                assert np.allclose(mean, expected, atol=1e-5)
            else:
                assert np.isnan(mean).all()


def check_attributes(path, complete):
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == "lens-results"
        assert file.attrs["format_version"] == 1
        assert file.attrs["Conventions"] == "CF-1.10"
        assert file.attrs["complete"] == complete
        assert json.loads(file.attrs["config_json"])["top_k"] == 3
        for group in GROUPS:
            assert len(file[group].attrs["content_sha256"]) == 64
            for name, dataset in file[group].items():
                if dataset.is_scale:
                    continue
                labels = [len(dimension) for dimension in dataset.dims]
                assert labels == [1] * dataset.ndim, (name, labels)
                assert dataset.compression == "gzip" and dataset.shuffle, name
                assert "long_name" in dataset.attrs, name
        entropy = file["mtvqa"]["entropy"]
        assert entropy.attrs["units"] == "nat"
        assert np.isnan(entropy.attrs["_FillValue"])
        assert math.isclose(entropy.attrs["valid_max"], math.log(300) + 1e-3,
                            rel_tol=1e-6)
        assert np.isnan(entropy.fillvalue)
        status = file["mtvqa"]["status"].attrs
        assert status["flag_values"].tolist() == [0, 1]
        assert status["flag_meanings"] == "ok failed"
        assert [dimension[0].name for dimension in entropy.dims] == [
            "/mtvqa/token", "/layer"]


def check_root(path):
    for engine in ("h5netcdf", "netcdf4"):
        with xarray.open_dataset(path, engine=engine) as root:
            assert root["layer"].values.tolist() == [0, 1, 2, 3, 4]
            assert root["script"].values.tolist() == [
                "Latin", "Han", "Cyrillic", "other"]
        with xarray.open_dataset(path, group="vocabulary",
                                 engine=engine) as vocabulary:
            assert vocabulary["token_text"].values[8] == "é8"
            assert vocabulary.sizes["vocab"] == 300
        with xarray.open_datatree(path, engine=engine) as tree:
            assert set(tree.children) == {"mtvqa", "latex_ocr", "vocabulary"}


def check_tools(path):
    for command in (["ncdump", str(path)], ["ncdump", "-k", str(path)],
                    ["h5dump", str(path)], ["h5ls", "-r", str(path)]):
        if shutil.which(command[0]) is None:
            print("not installed, so not checked:", command[0])
            continue
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stderr == "", (command, done.stderr)
        assert done.stdout, command


def check_file(path, complete):
    check_attributes(path, complete)
    check_agreement(path)
    check_masked_read(path)
    check_ragged_rows(path)
    check_root(path)
    check_tools(path)


def main():
    program, fixture = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        cases = {"whole": [], "hidden": ["--hidden"], "partial": ["--partial"]}
        for name, flags in cases.items():
            run = pathlib.Path(folder) / name
            subprocess.run([program, run, *flags], check=True)
            check_file(run / "results.h5", int(name != "partial"))
            print("agreed:", name)
    check_file(pathlib.Path(fixture), 1)
    print("agreed: the released fixture")


if __name__ == "__main__":
    main()
