"""Every example of docs/reading-results.md gives the right numbers.

usage: reading_test.py DOCUMENT PLANTED_RESULTS ANALYSIS_TABLES

The code blocks are taken from the document and run where results.h5 and its
exported tables lie. What they find must equal what numpy computes. R and Octave
are run where they and their packages are installed; a block that cannot be run
is named.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import duckdb
    import h5py
    import numpy as np
    import pandas as pd
    import xarray
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

SAMPLE = 2  # as in the document


def blocks_of(document):
    """(heading, language, code) of each code block with a language."""
    found, heading = [], ""
    pattern = r"^## ([^\n]*)$|^```(\w+)\n(.*?)^```$"
    for match in re.finditer(pattern, document.read_text("utf-8"),
                             re.MULTILINE | re.DOTALL):
        if match[1]:
            heading = match[1]
        else:
            found.append((heading, match[2], match[3]))
    return found


def expected_values(path):
    with h5py.File(path) as file:
        group = file["mtvqa"]
        entropy = group["entropy_mean"][:].astype(np.float64)
        language = group["language"].asstr()[:]
        score = group["score"][:]
        a, b = group["token_offset"][SAMPLE:SAMPLE + 2]
        rows = group["entropy"][a:b]
        text = file["vocabulary/token_text"].asstr()[:]
        tokens = list(text[group["token_id"][a:b]])
        assert group["sample_id"].asstr()[SAMPLE] == "0.2"
    known = ~np.isnan(entropy[:, 0])
    assert known.any() and not known.all() and len(rows) > 1
    means = {name: entropy[known & (language == name)].mean(axis=0)
             for name in sorted(set(language))}
    right = score >= np.float32(0.9)
    verdict = np.array([entropy[known & right].mean(axis=0),
                        entropy[known & ~right].mean(axis=0)])
    return {"by_language": means, "rows": rows, "tokens": tokens,
            "by_verdict": verdict}


def check_means(found, expected):
    assert set(found) == set(expected), (set(found), set(expected))
    for name, values in expected.items():
        assert np.allclose(found[name], values, rtol=1e-5, atol=1e-5), name


def run_python(heading, code, expected):
    names = {}
    exec(compile(code, heading, "exec"), names)
    means, rows = names["by_language"], names["rows"]
    if heading == "pandas":
        means = dict(zip(means.index, means.to_numpy()))
        rows = rows.to_numpy()
    elif heading == "xarray":
        means = {str(name): means.sel(language=name).values
                 for name in means.language.values}
        rows = rows.values
    elif heading == "DuckDB":
        means = {name: frame.sort_values("layer").entropy.to_numpy()
                 for name, frame in means.groupby("language")}
        assert list(rows.columns) == ["token_index", "layer", "entropy",
                                      "top1_text"]
        rows = rows.entropy.to_numpy().reshape(expected["rows"].shape)
    check_means(means, expected["by_language"])
    assert np.array_equal(np.asarray(rows, np.float32), expected["rows"])


def run_program(command, code):
    done = subprocess.run(command, input=code, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{command}\n{code}\n{done.stdout}{done.stderr}")


def run_r(heading, code, expected):
    """None where it ran, else why it could not."""
    package = re.search(r"library\((\w+)\)", code)[1]
    if shutil.which("Rscript") is None:
        return "no Rscript"
    has = ["Rscript", "-e", f"library({package})"]
    if subprocess.run(has, capture_output=True).returncode != 0:
        return f"no package {package}"
    pathlib.Path("block.r").write_text(code + """
write.table(by_language, "means.txt", row.names = FALSE, col.names = FALSE)
write.table(rows, "rows.txt", row.names = FALSE, col.names = FALSE)
if (exists("tokens")) writeLines(tokens, "tokens.txt", useBytes = TRUE)
""")
    run_program(["Rscript", "--vanilla", "block.r"], "")
    means = pd.read_csv("means.txt", sep=" ", header=None)
    check_means(dict(zip(means[0], means.iloc[:, 1:].to_numpy())),
                expected["by_language"])
    assert np.allclose(np.loadtxt("rows.txt"), expected["rows"], rtol=1e-6)
    if package == "hdf5r":
        lines = pathlib.Path("tokens.txt").read_text("utf-8").splitlines()
        assert lines == expected["tokens"], lines
    return None


def run_octave(heading, code, expected):
    if shutil.which("octave-cli") is None:
        return "no octave-cli"
    has = ["octave-cli", "--eval", "pkg load netcdf"]
    if subprocess.run(has, capture_output=True).returncode != 0:
        return "no package netcdf"
    pathlib.Path("block.m").write_text(
        code +
        'dlmwrite("verdict.txt", by_verdict, "delimiter", " ", "precision", 9);'
        '\ndlmwrite("rows.txt", rows, "delimiter", " ", "precision", 9);\n')
    run_program(["octave-cli", "--norc", "block.m"], "")
    assert np.allclose(np.loadtxt("verdict.txt"), expected["by_verdict"],
                       rtol=1e-6)
    assert np.allclose(np.loadtxt("rows.txt"), expected["rows"], rtol=1e-6)
    return None


def check_block(heading, language, code, expected):
    lines = len(code.strip().splitlines())
    assert lines <= 10, f"{heading} has {lines} lines"
    if language == "python":
        run_python(heading, code, expected)
    elif language == "r":
        return run_r(heading, code, expected)
    elif language == "octave":
        return run_octave(heading, code, expected)
    else:
        assert language in ("matlab", "julia"), language
        return "not to be had here"
    return None


def main():
    document, planted, tables = (pathlib.Path(name).resolve()
                                 for name in sys.argv[1:])
    blocks = blocks_of(document)
    assert [block[0] for block in blocks] == [
        "h5py", "pandas", "xarray", "DuckDB", "R", "R", "Octave", "MATLAB",
        "Julia"], blocks
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([planted, folder, "--mtvqa", "120", "--latex", "20",
                        "--seed", "2"],
                       check=True)
        os.chdir(folder)
        subprocess.run([tables, "results.h5", "tables", "tables"], check=True)
        expected = expected_values("results.h5")
        for heading, language, code in blocks:
            reason = check_block(heading, language, code, expected)
            print(f"{heading}: " + (f"not run, {reason}" if reason else "equal"))
        os.chdir("/")


if __name__ == "__main__":
    main()
