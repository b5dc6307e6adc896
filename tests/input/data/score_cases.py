#!/usr/bin/env python3
"""Scores against their definitions (docs/metrics.md): score_cases.py PROGRAM

The definitions are written down here from the document, not from the code of
lmms-eval or of Lens, and held against what PROGRAM (data_oracle_answers) says
on at least 100 random cases each.
"""

import json
import random
import re
import subprocess
import sys

RANDOM = random.Random(15)
CASES = 400
WORDS = ["a", "an", "the", "cat", "Cat", "CAT.", "two", "2", "none", "0", "dont", "don't", "1,000",
         "1000", "3.5", "St. John", "e-mail", "x/y", "what?", "it's", "ΟΔΟΣ", "straße", "É", "％", "a_b",
         "it 's", "(ok)", "yes", "no", "", "  ", "\n", "50%", "0.5", "10.", ".5", "-3", "+4", "1e3"]


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(last + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def narrow(text):
    return "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else " " if c == "\u3000" else c
                   for c in text)


def contains(answer, references):
    said = narrow(answer.strip()).lower().strip().replace("\n", " ")
    return float(any(narrow(r).lower().strip().replace("\n", " ") in said for r in references))


def formula(answer, references):
    def closed(text):
        return text.strip().replace("\n", "").replace(" ", "")

    return float(any(closed(r) in closed(answer) for r in references))


def exact(answer, references):
    return float(answer in references)


def anls(answer, references):
    def spaced(text):
        return " ".join(text.lower().split())

    def part(reference):
        length = max(len(answer.upper()), len(reference.upper()))
        return distance(spaced(answer), spaced(reference)) / length if length else 0.0

    similarity = 1 - min(map(part, references))
    return similarity if similarity >= 0.5 else 0.0


def number(text):
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def relaxed(answer, references):
    def one(reference):
        said, wanted = number(answer), number(reference)
        if said is not None and wanted:
            return abs(said - wanted) / abs(wanted) <= 0.05
        return answer.lower() == reference.lower()

    return float(any(map(one, references)))


SMALL = "none zero one two three four five six seven eight nine ten".split()
DIGITS = dict(zip(SMALL, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
APOSTROPHES = {"dont": "don't"}


def vqa_words(text):
    text = text.replace("\n", " ").replace("\t", " ").strip()
    out = text
    for mark in ';/[]"{}()=+\\_-><@`,?!':
        gap = f"{mark} " in text or f" {mark}" in text or re.search(r"\d,+\d", text)
        out = out.replace(mark, "" if gap else " ")
    out = re.sub(r"\.(?!\d)", "", out, count=32)
    words = [str(DIGITS.get(w, w)) for w in out.lower().split()]
    return " ".join(APOSTROPHES.get(w, w) for w in words if w not in ("a", "an", "the"))


def textvqa_words(text):
    return vqa_words(text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip())


def accuracy(words):
    def rule(answer, references):
        said, others = words(answer), list(map(words, references))
        counts = [sum(o == said for j, o in enumerate(others) if j != i) for i in range(len(others))]
        return sum(min(1, c / 3) for c in counts) / len(counts)

    return rule


RULES = {"contains": contains, "formula": formula, "exact": exact, "anls": anls, "relaxed": relaxed,
         "vqa": accuracy(textvqa_words), "vqav2": accuracy(vqa_words)}


def text():
    return RANDOM.choice(["", " ", ", "]).join(RANDOM.choices(WORDS, k=RANDOM.randint(1, 3)))


def near(answer):
    """The answer as it is or a little changed, so that every rule has hits."""
    value = number(answer)
    kind = RANDOM.randrange(5)
    if kind == 0 and value not in (None, 0):
        return f"{value * RANDOM.choice([1, 1.04, 1.06, 0.951]):.6g}"
    if kind == 1:
        return answer.upper()
    if kind == 2 and answer:
        cut = RANDOM.randrange(len(answer))
        return answer[:cut] + answer[cut + 1:]
    return answer if kind == 3 else text()


def main():
    questions, wanted = [], []
    for rule, define in RULES.items():
        for _ in range(CASES):
            answer = text()
            references = [near(answer) for _ in range(RANDOM.choice([1, 2, 10]))]
            questions.append({"rule": rule, "answer": answer, "references": references})
            wanted.append(define(answer, references))
    done = subprocess.run([sys.argv[1]], input="".join(json.dumps(q) + "\n" for q in questions),
                          capture_output=True, text=True, check=True)
    got = list(map(json.loads, done.stdout.splitlines()))
    assert len(got) == len(wanted)
    for question, want, have in zip(questions, wanted, got):
        assert abs(want - have) < 1e-6, (question, want, have)
    for rule in RULES:
        mine = [w for q, w in zip(questions, wanted) if q["rule"] == rule]
        assert 0.1 < sum(mine) / len(mine) < 0.95, (rule, sum(mine) / len(mine))
        print(rule, len(mine), sum(mine) / len(mine))


if __name__ == "__main__":
    main()
