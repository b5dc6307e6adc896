"""The numbers of `lens stats --json` against NumPy and SciPy.

    study_oracle.py planted_results_main stats_main

Everything is computed again from results.h5 by the definitions of
docs/metrics.md, the resampling by its written scheme, so that intervals and p
values must agree as well as means do.
"""

import json
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    import scipy.stats
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

from study_samples import (change_point, groups_of, onset, read_samples,
                           steepest)

TOLERANCE = 1e-6
SEED, RESAMPLES, PERMUTATIONS = 11, 200, 199
U64 = np.uint64


# The random numbers of docs/metrics.md.

def mixed(z):
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


class Stream:
    def __init__(self, seed, name):
        self.key = mixed(np.array([seed ^ fnv1a(name)], dtype=U64))[0]

    def below(self, bound, index):
        index = np.asarray(index, dtype=U64)
        bits = mixed(self.key + (index + U64(1)) * U64(0x9E3779B97F4A7C15))
        return ((bits >> U64(32)) * np.asarray(bound, dtype=U64)) >> U64(32)


# Checks.

class Checker:
    def __init__(self):
        self.compared = 0
        self.worst = 0.0

    def equal(self, name, got, expected):
        got = np.array(
            [np.nan if v is None else v for v in np.ravel(got)], dtype=float)
        expected = np.ravel(np.asarray(expected, dtype=float))
        assert got.shape == expected.shape, (name, got.shape, expected.shape)
        assert (np.isnan(got) == np.isnan(expected)).all(), (name, got, expected)
        error = np.nanmax(np.abs(got - expected), initial=0.0)
        assert error <= TOLERANCE, (name, error, got, expected)
        self.compared += got.size
        self.worst = max(self.worst, error)


def interval(values):
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    return np.quantile(values, [0.025, 0.975])


def layers_of(sample, kind):
    return [layer for layer in sample.layers[kind] if layer == layer]


CURVES = ("entropy", "kl_final", "log_rank", "agreement", "same_answer")


def picture_sums(samples, rows, pictures):
    """[picture, column]: sums of `rows` [sample, column] by picture."""
    at = {picture: k for k, picture in enumerate(pictures)}
    sums = np.zeros((len(pictures), rows.shape[1]))
    for sample, row in zip(samples, rows):
        sums[at[sample.picture]] += row
    return sums


def drawn_pictures(name, n):
    stream = Stream(SEED, f"bootstrap/{name}")
    draws = stream.below(n, np.arange(RESAMPLES * n)).astype(int)
    return draws.reshape(RESAMPLES, n)


def resampled_means(sums, counts, draws):
    return sums[draws].sum(axis=1) / counts[draws].sum(axis=1)


def check_group(check, found, dataset, by, value, samples):
    name = f"{dataset}/{by}/{value}"
    n = len(samples)
    assert found["samples"] == n, name
    assert found["tokens"] == sum(s.tokens for s in samples), name
    pictures = sorted({s.picture for s in samples})
    assert found["pictures"] == len(pictures), name
    draws = drawn_pictures(name, len(pictures))
    members = picture_sums(samples, np.ones((n, 1)), pictures)
    one = len(pictures) < 5
    for curve in CURVES:
        rows = np.array([s.curves[curve] for s in samples])
        check.equal(f"{name} {curve}", found[curve]["mean"], rows.mean(axis=0))
        if curve == "entropy":
            entropy = rows.mean(axis=0)
        if one:
            continue
        resampled = resampled_means(
            picture_sums(samples, rows, pictures), members, draws)
        low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
        check.equal(f"{name} {curve} low", found[curve]["low"], low)
        check.equal(f"{name} {curve} high", found[curve]["high"], high)
        if curve == "entropy":
            resampled_entropy = resampled
    for key, find in (("onset_of_mean", onset), ("steepest_of_mean", steepest),
                      ("change_point_of_mean", change_point)):
        check.equal(f"{name} {key}", found[key]["value"], find(entropy))
        if not one:
            check.equal(f"{name} {key} interval", found[key]["interval"],
                        interval([find(curve) for curve in resampled_entropy]))
    for kind in ("onset", "steepest", "depth", "first_hit"):
        key = f"{kind}_of_tokens"
        sums = np.array([sum(layers_of(s, kind)) for s in samples], dtype=float)
        counts = np.array([len(layers_of(s, kind)) for s in samples], dtype=float)
        check.equal(f"{name} {key}", found[key]["value"],
                    sums.sum() / counts.sum())
        assert found[key]["count"] == counts.sum(), name
        if not one:
            by_picture = picture_sums(
                samples, np.stack([sums, counts], axis=1), pictures)
            ratio = resampled_means(by_picture[:, 0], by_picture[:, 1], draws)
            check.equal(f"{name} {key} interval", found[key]["interval"],
                        interval(ratio))
    check.equal(f"{name} script share", found["script_share"],
                np.mean([s.script_share for s in samples], axis=0))
    for kind, key in (("onset", "onset_histogram"), ("depth", "depth_histogram")):
        layers = np.concatenate([layers_of(s, kind) for s in samples]).astype(int)
        check.equal(f"{name} {key}", found[key],
                    np.bincount(layers, minlength=len(found[key])))
    return resampled_entropy if not one else None


def shuffled(values, moved, permutation, stream):
    values = list(values)
    n = len(values)
    index = np.arange(moved)
    jumps = stream.below(n - index, permutation * n + index).astype(int)
    for i in range(moved):
        j = i + jumps[i]
        values[i], values[j] = values[j], values[i]
    return np.array(values)


def permuted_p(values, moved, stream, size_of):
    observed = size_of(values) * (1 - 1e-9)
    large = sum(size_of(shuffled(values, moved, q, stream)) >= observed
                for q in range(PERMUTATIONS))
    return (1 + large) / (1 + PERMUTATIONS)


def picture_means(samples, size=None):
    """[picture, (row, onset, size)]: means over the samples that have both."""
    found = {}
    for sample in samples:
        extent = sample.sizes[size] if size else 1
        if sample.onset == sample.onset and extent > 0:
            found.setdefault(sample.picture, []).append((sample.onset, extent))
    return np.array([[picture, *np.mean(found[picture], axis=0)]
                     for picture in sorted(found)]).reshape(-1, 3)


def welch_t(a, b, pairs):
    """`pairs`: indices into a and b of values that depend on each other."""
    variance = a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    if len(pairs) > 1:
        i, j = np.transpose(pairs)
        products = (a[i] - a.mean()) @ (b[j] - b.mean())
        variance -= (2 * products / (len(pairs) - 1) * len(pairs)
                     / len(a) / len(b))
    return (b.mean() - a.mean()) / np.sqrt(variance)


def group_test(name, groups, shared=True):
    """groups: {name: samples}, as the study orders them; `shared`: of one data
    set, so that a picture may be in two of them."""
    means = [picture_means(samples) for samples in groups.values()]
    kept = [(key, m) for key, m in zip(groups, means) if len(m) >= 5]
    if len(kept) < 2:
        return None
    values = [m[:, 1] for _, m in kept]
    joined = np.concatenate(values)
    centred = joined - joined.mean()
    ends = np.cumsum([len(v) for v in values])
    split = lambda arranged: np.split(arranged, ends[:-1])
    if len(values) == 2:
        rows = [m[:, 0].tolist() for _, m in kept]
        pairs = [(i, rows[1].index(row)) for i, row in enumerate(rows[0])
                 if shared and row in rows[1]]
        size_of = lambda arranged: abs(welch_t(*split(arranged), pairs))
        statistic = welch_t(*values, pairs)
        if not pairs:
            assert np.isclose(statistic, scipy.stats.ttest_ind(
                values[1], values[0], equal_var=False).statistic)
        a, b = values
        pooled = np.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1)
                          * b.var(ddof=1)) / (len(a) + len(b) - 2))
        effect = (b.mean() - a.mean()) / pooled
    else:
        size_of = lambda arranged: scipy.stats.f_oneway(
            *split(arranged), equal_var=False).statistic
        statistic = size_of(joined)
        between = sum(part.sum() ** 2 / len(part) for part in split(centred))
        effect = between / (centred ** 2).sum()
    p = permuted_p(centred, len(joined) - len(values[-1]),
                   Stream(SEED, f"permutation/{name}"), size_of)
    return {"groups": [key for key, _ in kept], "statistic": statistic,
            "effect": effect, "p": p,
            "group_pictures": [len(v) for v in values],
            "group_means": [v.mean() for v in values]}


def relation_test(name, dataset, samples, size):
    pairs = picture_means(samples, size)[:, [2, 1]]
    if len(pairs) < 5:
        return None
    x, y = (scipy.stats.rankdata(pairs[:, k]) for k in (0, 1))
    x, y = x - x.mean(), y - y.mean()
    rho = scipy.stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic
    p = permuted_p(y, len(y) - 1, Stream(SEED, f"permutation/{name}"),
                   lambda arranged: abs((x * arranged).sum()))
    return {"groups": [dataset], "statistic": rho, "effect": rho, "p": p,
            "group_pictures": [len(pairs)], "group_means": [pairs[:, 1].mean()]}


def expected_tests(datasets):
    tests = {}

    def add(name, test):
        if test:
            tests[name] = test

    add("onset between data sets",
        group_test("onset between data sets", datasets, shared=False))
    for dataset, samples in datasets.items():
        for words, by in (("languages", "language"), ("scripts", "script"),
                          ("right and wrong answers", "verdict")):
            name = f"onset between {words} of {dataset}"
            add(name, group_test(name, {
                value: members
                for kind, value, members in groups_of(dataset, samples)
                if kind == by}))
        for size in ("image area", "reference length", "answer length"):
            name = f"onset and {size} of {dataset}"
            add(name, relation_test(name, dataset, samples, size))
    return tests


def holm(p):
    adjusted, largest = np.empty(len(p)), 0.0
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, min(1.0, p[index] * (len(p) - rank)))
        adjusted[index] = largest
    return adjusted


def check_tests(check, study, datasets):
    expected = expected_tests(datasets)
    assert [t["name"] for t in study["tests"]] == list(expected), (
        [t["name"] for t in study["tests"]], list(expected))
    adjusted = holm([test["p"] for test in expected.values()])
    for found, want, p in zip(study["tests"], expected.values(), adjusted):
        assert found["groups"] == want["groups"], found["name"]
        for key in ("statistic", "effect", "p", "group_pictures", "group_means"):
            check.equal(f"{found['name']} {key}", found[key], want[key])
        check.equal(f"{found['name']} adjusted", found["p_adjusted"], p)
        assert found["significant"] == (p < 0.05), found["name"]


def joint_band(dataset, by, first, second):
    """Right and wrong answers share pictures, which are drawn for both."""
    pictures = sorted({s.picture for s in first + second})
    draws = drawn_pictures(f"{dataset}/{by}", len(pictures))
    means = []
    for samples in (first, second):
        rows = np.array([s.curves["entropy"] for s in samples])
        members = picture_sums(samples, np.ones((len(samples), 1)), pictures)
        means.append(resampled_means(
            picture_sums(samples, rows, pictures), members, draws))
    return means[1] - means[0]


def check_study(folder, planted, stats, flags):
    run = os.path.join(folder, "run")
    subprocess.run([planted, run, "--layers", "17", "--middle-begin", "5",
                    "--middle-end", "9", *flags],
                   check=True, stdout=subprocess.DEVNULL)
    out = subprocess.run(
        [stats, run, "--json", "-", "--seed", str(SEED), "--resamples",
         str(RESAMPLES), "--permutations", str(PERMUTATIONS)],
        check=True, capture_output=True, text=True).stdout
    study = json.loads(out)
    check = Checker()
    with h5py.File(os.path.join(run, "results.h5")) as file:
        names = sorted(set(file) - {"layer", "rank", "script", "vocabulary"})
        names = [name for name in names if isinstance(file[name], h5py.Group)]
        datasets = {name: read_samples(file[name]) for name in names}
    found = {(g["dataset"], g["by"], g["value"]): g for g in study["groups"]}
    resampled, members_of = {}, {}
    for dataset, samples in datasets.items():
        for by, value, members in groups_of(dataset, samples):
            group = found.pop((dataset, by, value))
            members_of[dataset, by, value] = members
            resampled[dataset, by, value] = check_group(
                check, group, dataset, by, value, members)
    assert not found, list(found)
    for comparison in study["comparisons"]:
        keys = [(comparison["dataset"], comparison["by"], side)
                if comparison["by"] != "dataset" else (side, "dataset", "")
                for side in (comparison["first"], comparison["second"])]
        if comparison["by"] == "dataset":
            differences = resampled[keys[1]] - resampled[keys[0]]
        else:
            differences = joint_band(comparison["dataset"], comparison["by"],
                                     members_of[keys[0]], members_of[keys[1]])
        band = np.nanquantile(differences, [0.025, 0.975], axis=0)
        difference = comparison["entropy_difference"]
        check.equal(comparison["name"], difference["low"], band[0])
        check.equal(comparison["name"], difference["high"], band[1])
    check_tests(check, study, datasets)
    print(f"{len(datasets)} data sets, {len(study['groups'])} groups, "
          f"{len(study['comparisons'])} comparisons, {len(study['tests'])} tests: "
          f"{check.compared} numbers agree, "
          f"largest difference {check.worst:.1e}")


def main():
    planted, stats = sys.argv[1:3]
    np.seterr(over="ignore")
    for flags in (
        ["--onset", "mtvqa=10", "--onset", "RU=13", "--onset", "latex_ocr=8",
         "--area-effect", "0.5", "--picture-spread", "1.5", "--seed", "5"],
        ["--mtvqa", "45", "--latex", "20", "--onset", "mtvqa=10", "--onset",
         "latex_ocr=10", "--failed-share", "0.3", "--noise", "1.5"],
        ["--mtvqa", "0", "--latex", "40", "--onset", "latex_ocr=16",
         "--least-tokens", "1", "--most-tokens", "3"],
    ):
        with tempfile.TemporaryDirectory() as folder:
            check_study(folder, planted, stats, flags)


if __name__ == "__main__":
    main()
