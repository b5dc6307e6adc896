#!/usr/bin/env python3
"""Writes unicode_properties.inc.

Usage: make_unicode_tables.py [FOLDER]   (default: beside this script)

The regular expressions of the reference tokenizer know Unicode 16.0, which no
system library offers yet, so the answers are read out of the reference itself,
one code point at a time, and kept in the tree. Run it again only when the
reference moves; the oracle test says when that is.

Needs the Python package `tokenizers` (0.23.3 wrote the files in the tree).
"""

import pathlib
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models
from tokenizers import pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
FLAGS = {"letter": 1, "number": 2, "space": 4, "word": 8, "symbol": 16}
SCRIPTS = [[], ["Latin"], ["Han"], ["Hiragana", "Katakana"], ["Hangul"],
           ["Cyrillic"], ["Arabic"], ["Thai"], ["Greek"]]
# Letters and marks that Unicode shares between scripts ("Common", "Inherited")
# but that are written in one: the middle column is the index in SCRIPTS.
SHARED = [(0x0342, 8, 0x0345), (0x0485, 5, 0x0486), (0x0640, 6, 0x0640),
          (0x064B, 6, 0x0655), (0x0670, 6, 0x0670), (0x3006, 2, 0x3006),
          (0x302A, 2, 0x302D), (0x3099, 3, 0x309A), (0x30FC, 3, 0x30FC),
          (0xFF70, 3, 0xFF70), (0xFF9E, 3, 0xFF9F)]


def matching(pattern):
    """Code points that the reference's regular expressions match."""
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed")
    found = set()
    for start in range(0, len(CODE_POINTS), 4096):
        block = CODE_POINTS[start:start + 4096]
        rest = set()
        text = "".join(map(chr, block))
        for _, (first, last) in split.pre_tokenize_str(text):
            rest.update(block[first:last])
        found.update(c for c in block if c not in rest)
    return found


def word_characters():
    """Code points next to which a single_word added token is not matched."""
    tokenizer = Tokenizer(models.BPE(vocab={"x": 0}, merges=[]))
    tokenizer.add_tokens([AddedToken("q", single_word=True, normalized=False)])
    encodings = tokenizer.encode_batch([chr(c) + "q" for c in CODE_POINTS])
    return {c for c, e in zip(CODE_POINTS, encodings) if 1 not in e.ids}


def properties():
    sets = {"letter": matching(r"\p{L}"), "number": matching(r"\p{N}"),
            "space": matching(r"\s"), "word": word_characters(),
            "symbol": matching(r"[\p{P}\p{S}\p{Z}]")}
    script_of = {}
    for index, names in enumerate(SCRIPTS):
        for name in names:
            script_of.update(dict.fromkeys(matching(r"\p{%s}" % name), index))
    for first, index, last in SHARED:
        script_of.update(dict.fromkeys(range(first, last + 1), index))
    written = sets["letter"] | matching(r"\p{M}")
    values = []
    for c in range(0x110000):
        value = sum(bit for name, bit in FLAGS.items() if c in sets[name])
        values.append(value | (script_of.get(c, 0) << 8 if c in written else 0))
    return values


def write(path, rows, head):
    lines = ["// Made by make_unicode_tables.py from the reference tokenizer"
             f" ({tokenizers.__version__}).", *("// " + line for line in head)]
    line = ""
    for row in rows:
        if len(line) + len(row) + 1 > 80:
            lines.append(line)
            line = ""
        line += (" " if line else "") + row
    path.write_text("\n".join(lines + [line]) + "\n")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else
                          pathlib.Path(__file__).parent)
    values = properties()
    write(folder / "unicode_properties.inc",
          ["{0x%X,%d}," % (c, v) for c, v in enumerate(values)
           if c == 0 or v != values[c - 1]],
          ["{first code point, flags | script << 8}, up to the next entry."])


if __name__ == "__main__":
    main()
