"""Compares results.h5 with an oracle file, value by value.

    compare.py results.h5 oracle.h5
    compare.py results_bf16.h5 oracle_bf16.h5 --bfloat16 oracle_float32.h5

Ids, texts, counts and positions must be equal; entropy, varentropy, KL and
log-probability agree within 1e-4 + 1e-5 of the value, attention within 1e-5 (its entropy 1e-4); ranks and top ids agree
but for ties; states agree within 1e-5 of their length. With --bfloat16, the
error of the results against float32 may be at most 1.1 times that of
transformers. Prints a table of the largest errors; exit status 1 and the worst
cases on failure.
"""

import argparse
import dataclasses
import sys

import numpy as np

import results_file as files

ABSOLUTE, RELATIVE = 1e-4, 1e-5
ATTENTION_ABSOLUTE = 1e-5
STATE_RELATIVE = 1e-5
RATIO = 1.1


@dataclasses.dataclass
class Metric:
    """Largest error of one measure, as a share of what is allowed."""

    name: str
    values: int = 0
    bad: int = 0
    error: float = 0.0
    share: float = 0.0
    where: str = ""

    def add(self, where, error, allowed):
        """`error` and `allowed` [token, ...]; NaN counts as wrong."""
        if error.size == 0:
            return
        error = np.where(np.isfinite(error), error, np.inf)
        share = error / allowed
        self.values += error.size
        self.bad += int((share > 1).sum())
        at = np.unravel_index(np.argmax(share), share.shape)
        if share[at] >= self.share:
            self.share, self.error = float(share[at]), float(error[at])
            place = " ".join(f"{n} {i}" for n, i in
                             zip(("token", "layer", "rank"), at))
            self.where = f"{where} {place}"


class Comparison:
    """All that is wrong between one data set's records and the oracle's."""

    def __init__(self, name, tie):
        self.name = name
        self.tie = tie  # index into the oracle's rank windows, tolerance
        self.problems = []
        self.metrics = {}
        self.samples = self.tokens = 0

    def metric(self, name):
        return self.metrics.setdefault(name, Metric(name))

    def problem(self, sample_id, text):
        self.problems.append(f"{self.name} {sample_id}: {text}")

    def run(self, ours, oracle):
        if list(ours) != list(oracle):
            missing = [i for i in oracle if i not in ours]
            extra = [i for i in ours if i not in oracle]
            self.problem("samples", f"other ids or order (missing {missing}, "
                                    f"extra {extra})")
        for sample_id in oracle:
            if sample_id in ours:
                self.sample(sample_id, ours[sample_id], oracle[sample_id])

    def sample(self, sample_id, ours, oracle):
        self.samples += 1
        for key, value in oracle.fields.items():
            if ours.fields[key] != value:
                extra = (f" ({ours.failure or oracle.failure})"
                         if key == "status" else "")
                self.problem(sample_id, f"{key} is {ours.fields[key]!r}, "
                                        f"oracle {value!r}{extra}")
        if oracle.fields["status"] or ours.fields["status"]:
            if bool(ours.failure) != bool(ours.fields["status"]):
                self.problem(sample_id, "failure reason does not fit status")
            return
        if ours.token_id.tolist() != oracle.token_id.tolist():
            self.problem(sample_id, self._diverged(ours, oracle))
            return
        self.tokens += len(ours.token_id)
        for key in ("token_position", "token_role"):
            if ours.columns[key].tolist() != oracle.columns[key].tolist():
                self.problem(sample_id, f"{key} {ours.columns[key].tolist()}, "
                                        f"oracle {oracle.columns[key].tolist()}")
        for key in files.LENS:
            want = oracle.columns[key]
            self.close(key, sample_id, ours.columns[key], want)
        self._attention(sample_id, ours.columns, oracle.columns)
        answer = oracle.columns["token_role"] == 3
        if answer.any():
            self.close("entropy_mean", sample_id, ours.columns["entropy_mean"],
                       oracle.columns["entropy"][answer].mean(0))
        self._ranks(sample_id, ours.columns, oracle.columns)
        self._top(sample_id, ours.columns, oracle.columns)
        self._states(sample_id, ours.columns, oracle.columns)

    def close(self, key, sample_id, got, want):
        if got.shape != want.shape:
            self.problem(sample_id, f"{key} has shape {got.shape}, oracle "
                                    f"{want.shape}")
            return
        self.metric(key).add(sample_id, np.abs(got - want),
                             ABSOLUTE + RELATIVE * np.abs(want))

    def _attention(self, sample_id, ours, oracle):
        """A run may have been told to leave it out; then all is."""
        for key in files.ATTENTION:
            if files.ATTENTION[0] in ours and key in oracle:
                # An entropy is held as the lens's are.
                allowed = (ABSOLUTE if key.endswith("entropy")
                           else ATTENTION_ABSOLUTE)
                self.metric(key).add(
                    sample_id, np.abs(ours[key] - oracle[key]),
                    np.full(oracle[key].shape, allowed))

    def _diverged(self, ours, oracle):
        n = min(len(ours.token_id), len(oracle.token_id))
        same = ours.token_id[:n] == oracle.token_id[:n]
        t = n if same.all() else int(np.argmin(same))
        text = (f"ids {ours.token_id.tolist()}, oracle "
                f"{oracle.token_id.tolist()}")
        if t < len(oracle.token_id):
            top = oracle.columns["top_logprob"][t, -1]
            text += f" (token {t}: oracle's first two {top[0] - top[1]:.2g} apart)"
        return text

    def _ranks(self, sample_id, ours, oracle):
        """A rank is right within the window that ties allow."""
        got = ours["target_rank"]
        low = oracle["rank_window"][:, :, self.tie[0], 0]
        high = oracle["rank_window"][:, :, self.tie[0], 1]
        off = np.maximum(low - got, got - high)
        self.metric("target_rank").add(sample_id, np.maximum(off, 0),
                                       np.full(off.shape, 0.5))

    def _top(self, sample_id, ours, oracle):
        """Place r holds an id whose oracle log-probability ties with r's."""
        got = ours["top_id"]
        k = got.shape[-1]
        known_id, known = oracle["top_id"], oracle["top_logprob"]
        match = got[..., :, None] == known_id[..., None, :]
        self.metric("top_id").add(
            sample_id, (~match.any(-1)).astype(float), np.full(got.shape, 0.5))
        own = np.where(match, known[..., None, :], 0).sum(-1)
        gap = np.where(match.any(-1), np.abs(own - known[..., :k]), 0)
        self.metric("top_id order").add(sample_id, gap,
                                        np.full(gap.shape, self.tie[1]))
        ordered = np.sort(got, -1)
        if (ordered[..., 1:] == ordered[..., :-1]).any():
            self.problem(sample_id, "an id occurs twice among the top")
        self.close("top_logprob", sample_id, ours["top_logprob"],
                   known[..., :k])

    def _states(self, sample_id, ours, oracle):
        if "hidden" not in ours or "states" not in oracle:
            return
        want = oracle["states"][:, ours["hidden_layer"]].astype(np.float64)
        got = ours["hidden"].astype(np.float64)
        if got.shape != want.shape:
            self.problem(sample_id, f"hidden has shape {got.shape}, oracle "
                                    f"{want.shape}")
            return
        length = np.linalg.norm(want, axis=-1)
        self.metric("hidden").add(
            sample_id, np.linalg.norm(got - want, axis=-1) / length,
            np.full(length.shape, STATE_RELATIVE))

    def bad(self):
        return bool(self.problems) or any(m.bad for m in self.metrics.values())

    def print(self, out):
        print(f"{self.name}: {self.samples} samples, {self.tokens} tokens",
              file=out)
        print(f"  {'measure':<16}{'values':>9}{'wrong':>7}{'max error':>12}"
              f"{'of allowed':>12}  worst", file=out)
        for m in self.metrics.values():
            print(f"  {m.name:<16}{m.values:>9}{m.bad:>7}{m.error:>12.3g}"
                  f"{m.share:>12.3g}  {m.where}", file=out)
        for text in self.problems[:20]:
            print(f"  WRONG {text}", file=out)
        if len(self.problems) > 20:
            print(f"  and {len(self.problems) - 20} more", file=out)


def compare(results, oracle, tie=1e-5, out=sys.stdout):
    """True where all of `results` agrees with `oracle` (paths)."""
    ties = files.ties_of(oracle)
    good = True
    for name in files.datasets_of(oracle):
        comparison = Comparison(name, (ties.index(tie), tie))
        comparison.run(files.read_results(results, name),
                       files.read_oracle(oracle, name))
        comparison.print(out)
        good = good and not comparison.bad()
    return good


def shared_tokens(*id_lists):
    """Number of leading tokens that the same prefix predicts in all lists."""
    shortest = min(len(ids) for ids in id_lists)
    for t in range(shortest):
        if len({int(ids[t]) for ids in id_lists}) > 1:
            return t + 1
    return shortest


def _errors(ours, theirs, exact):
    """Measure -> (our errors, their errors) over the shared tokens."""
    pairs = {}

    def add(key, a, b, reference):
        mine, other = pairs.setdefault(key, ([], []))
        mine.append(np.abs(a - reference).ravel())
        other.append(np.abs(b - reference).ravel())

    for sample_id, truth in exact.items():
        a, b = ours.get(sample_id), theirs[sample_id]
        if a is None or truth.fields["status"] or a.fields["status"]:
            continue
        n = shared_tokens(a.token_id, b.token_id, truth.token_id)
        same = n - int((a.token_id[:n] != truth.token_id[:n]).any()
                       or (b.token_id[:n] != truth.token_id[:n]).any())
        for key in ("entropy", "kl_final"):
            add(key, a.columns[key][:n], b.columns[key][:n],
                truth.columns[key][:n])
        add("target_logprob", a.columns["target_logprob"][:same],
            b.columns["target_logprob"][:same],
            truth.columns["target_logprob"][:same])
        if "hidden" in a.columns:
            layers = a.columns["hidden_layer"]
            want = truth.columns["states"][:n, layers]
            length = np.linalg.norm(want, axis=-1)
            distance = [np.linalg.norm(x - want, axis=-1) / length for x in
                        (a.columns["hidden"][:n],
                         b.columns["states"][:n, layers])]
            add("hidden", *distance, 0)
    return {k: tuple(np.concatenate(x) for x in v) for k, v in pairs.items()}


def compare_bfloat16(results, oracle, oracle_float32, out=sys.stdout):
    """True where the results are as near to float32 as transformers is."""
    good = True
    for name in files.datasets_of(oracle_float32):
        ours = files.read_results(results, name)
        exact = files.read_oracle(oracle_float32, name)
        theirs = files.read_oracle(oracle, name)
        if list(ours) != list(exact):
            print(f"{name}: WRONG other samples than the oracle", file=out)
            good = False
        for sample_id in exact:
            if (sample_id in ours and ours[sample_id].fields["status"]
                    != exact[sample_id].fields["status"]):
                print(f"{name} {sample_id}: WRONG status", file=out)
                good = False
        print(f"{name}: error against float32, ours and transformers'",
              file=out)
        print(f"  {'measure':<16}{'values':>9}  {'':<8}{'ours':>11}"
              f"{'theirs':>11}{'ratio':>8}", file=out)
        for key, (mine, other) in _errors(ours, theirs, exact).items():
            for label, q in (("median", 50), ("p99", 99)):
                a, b = np.percentile(mine, q), np.percentile(other, q)
                wrong = not a <= RATIO * b + 1e-9
                good = good and not wrong
                print(f"  {key:<16}{mine.size:>9}  {label:<8}{a:>11.3g}"
                      f"{b:>11.3g}{a / max(b, 1e-30):>8.3f}"
                      f"{'  WRONG' if wrong else ''}", file=out)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results")
    parser.add_argument("oracle")
    parser.add_argument("--bfloat16", metavar="ORACLE_FLOAT32")
    parser.add_argument("--tie", type=float, default=1e-5)
    given = parser.parse_args()
    if given.bfloat16:
        good = compare_bfloat16(given.results, given.oracle, given.bfloat16)
    else:
        good = compare(given.results, given.oracle, given.tie)
    print("agrees" if good else "DISAGREES")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
