#!/usr/bin/env python3
"""Compares lens_data with Python itself: oracle_test.py PROGRAM

qa_pairs: what repr() writes must read as ast.literal_eval() reads it; text
changed at random must be refused or read the same. Scores: the data set's own
rule in Python, over all of Unicode for lower() and strip().
"""

import ast
import json
import random
import subprocess
import sys
import unicodedata
import warnings

RANDOM = random.Random(20240601)
INTERESTING = "'\"\\\n\r\t\0\x07\x1b\x7f\x85\xa0\u2028{}[](),:#uNxU0 .aZ"


def random_point():
    kind = RANDOM.randrange(8)
    if kind < 3:
        return RANDOM.choice(INTERESTING)
    if kind < 5:
        return chr(RANDOM.randrange(0x20, 0x7F))
    if kind == 5:
        return chr(RANDOM.randrange(0x80, 0x3000))
    if kind == 6:
        return chr(RANDOM.randrange(0x3000, 0x10000))  # surrogates too
    return chr(RANDOM.randrange(0x10000, 0x110000))


def random_text(limit=12):
    return "".join(random_point() for _ in range(RANDOM.randrange(limit)))


def random_pairs():
    pairs = []
    for _ in range(RANDOM.randrange(4)):
        answer = random_text()
        if RANDOM.randrange(8) == 0:
            answer = RANDOM.choice(
                [None, 0, -1, 1998, 10**30, 0.5, -2.25, 1234567.125, 0.0001]
            )
        pair = {"question": random_text(), "answer": answer}
        if RANDOM.randrange(10) == 0:
            pair["other"] = [None, True, (1, "x"), {"y": random_text()}, ()]
        pairs.append(pair)
    return pairs


def as_utf8(text):
    """Surrogate pairs joined, lone surrogates replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def expected(value):
    """What the parser should say of a Python value; None: not its business."""
    if not isinstance(value, list):
        return None
    out = []
    for pair in value:
        if not isinstance(pair, dict) or not {"question", "answer"} <= pair.keys():
            return None
        texts = []
        for key in ("question", "answer"):
            text = pair[key]
            if text is None:
                text = ""
            elif isinstance(text, (int, float)) and not isinstance(text, bool):
                text = str(text)
            elif not isinstance(text, str):
                return None
            texts.append(as_utf8(text))
        out.append(texts)
    return out


def python_reads(literal):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return expected(ast.literal_eval(literal.strip(" \t\n\r\f")))
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None


def changed(literal):
    """A literal with one to three random edits."""
    for _ in range(RANDOM.randrange(1, 4)):
        at = RANDOM.randrange(len(literal) + 1)
        end = min(len(literal), at + RANDOM.randrange(3))
        middle = RANDOM.choice(
            ["", random_point(), "\\", "'", '"', "'''", "\\x", "\\u00", "None", " "]
        )
        literal = literal[:at] + middle + literal[end:]
    return as_utf8(literal)


def ask(program, questions):
    text = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(
        [program], input=text, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
    assert len(answers) == len(questions), (len(answers), len(questions))
    return answers


def check_literals(program):
    written = []
    while len(written) < 6000:
        pairs = random_pairs()
        written.append((repr(pairs), expected(pairs)))
    answers = ask(program, [{"pairs": literal} for literal, _ in written])
    for (literal, wanted), answer in zip(written, answers):
        assert answer == wanted, (literal, wanted, answer)

    # repr() writes one of many forms; others are made by hand.
    forms = [
        "[{'question': 'a' \"b\" '''c\r\nd''', 'answer': u'\\101\\q\\\n'}]",
        '[{"question": """x" "y""", "answer": "\\ud83d\\ude00"},]',
        "[ {'answer' : None , 'question' : '' , } , ]\n",
    ]
    edits = [changed(RANDOM.choice(written[:500])[0]) for _ in range(12000)]
    edits += [changed(RANDOM.choice(forms)) for _ in range(6000)] + forms
    answers = ask(program, [{"pairs": literal} for literal in edits])
    read = refused_alone = 0
    for literal, answer in zip(edits, answers):
        wanted = python_reads(literal)
        if isinstance(answer, list):
            assert answer == wanted, (literal, wanted, answer)
            read += 1
        elif wanted is not None:
            # Python reads more than repr() writes: prefixes, names of
            # characters, comments, arithmetic, numbers in other spellings.
            refused_alone += 1
            known = any(mark in literal for mark in "#()+_\\") or any(
                mark in literal.lower() for mark in ("r'", 'r"', "0", "e")
            )
            assert known, (literal, wanted, answer)
    assert read > 1000, read
    assert refused_alone < 100, refused_alone
    print(f"literals: {len(written)} of repr(), {read} of {len(edits)} changed read")


def mtvqa_rule(answer, annotation):
    said = answer.strip().lower().replace(".", "")
    return 1.0 if annotation.strip().lower() in said else 0.0


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(last + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def latex_rule(answer, reference):
    a, b = "".join(answer.split()), "".join(reference.split())
    longer = max(len(a), len(b))
    return 1.0 if longer == 0 else 1 - edit_distance(a, b) / longer


def check_scores(program):
    questions, wanted = [], []

    def add(kind, rule, answer, reference):
        questions.append({"kind": kind, "answer": answer, "reference": reference})
        wanted.append(rule(answer, reference))

    # Every character: the answer in capitals, the reference as lower() has it.
    # A character newer than this Python's tables has no case to it.
    for point in range(0x110000):
        text = chr(point)
        if 0xD800 <= point < 0xE000 or unicodedata.category(text) == "Cn":
            continue
        if text.lower() != text or text.isspace() or point % 64 == 0:
            add("mtvqa", mtvqa_rule, f"x{text}a", f"x{text.lower()}a")
            add("mtvqa", mtvqa_rule, f"b{text}", text + "b" + text)
            add("mtvqa", mtvqa_rule, text.lower(), f"{text}")
    alphabet = "aAbB. ..\u03a3\u03c3\u03c2\u0130\u0131I\u0307\u00df\u1e9e'\u00ad\u0301-:\t\u3000\u0416\u0436"
    for _ in range(20000):
        answer = "".join(RANDOM.choices(alphabet, k=RANDOM.randrange(9)))
        begin = RANDOM.randrange(len(answer) + 1)
        piece = answer[begin : begin + RANDOM.randrange(5)]
        add("mtvqa", mtvqa_rule, answer, RANDOM.choice([piece, piece.upper(), piece.lower()]))
    for _ in range(3000):
        answer = "".join(RANDOM.choices("ab{}\\ \u03b1\U0001f600\n", k=RANDOM.randrange(24)))
        reference = "".join(RANDOM.choices("ab{}\\ \u03b1\U0001f600\n", k=RANDOM.randrange(24)))
        add("latex_ocr", latex_rule, answer, reference)
    answers = ask(program, questions)
    for question, want, got in zip(questions, wanted, answers):
        assert abs(want - got) < 1e-6, (question, want, got)
    print(f"scores: {len(answers)}")


def main():
    program = sys.argv[1]
    check_literals(program)
    check_scores(program)


if __name__ == "__main__":
    main()
