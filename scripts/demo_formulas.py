"""Labels and pictures of small formulas in the manner of im2latex-100k."""

import io
import re

import numpy
from PIL import Image

# The padded sizes of LaTeX_OCR's pictures that are 50 pixels high.
SIZES = [(120, 50), (200, 50), (240, 50), (280, 50)]
MARGIN = 6
POINTS = 15.0

LETTERS = list("abcdkmnptxyz")
CAPITALS = list("AEFR")
GREEK = [r"\alpha", r"\beta", r"\lambda", r"\pi", r"\theta", r"\omega"]
DIGITS = list("23456789")
SUBSCRIPTS = ["0", "1", "2", "k", "n"]
POWERS = ["2", "3", "4", "n"]


def symbol(rng):
    """One letter, as a list of the label's tokens."""
    kind = rng.random()
    if kind < 0.6:
        return [rng.choice(LETTERS)]
    return [rng.choice(CAPITALS if kind < 0.75 else GREEK)]


def atom(rng):
    """A letter, perhaps with a subscript or a power."""
    tokens = symbol(rng)
    kind = rng.random()
    if kind < 0.2:
        tokens += ["_", "{", rng.choice(SUBSCRIPTS), "}"]
    elif kind < 0.4:
        tokens += ["^", "{", rng.choice(POWERS), "}"]
    return tokens


def part(rng):
    """What stands in a fraction or under a root."""
    return [rng.choice(DIGITS)] if rng.random() < 0.3 else symbol(rng)


def term(rng):
    kind = rng.random()
    if kind < 0.35:
        return atom(rng)
    if kind < 0.55:
        return [rng.choice(DIGITS)] + atom(rng)
    if kind < 0.8:
        return [r"\frac", "{", *part(rng), "}", "{", *part(rng), "}"]
    if kind < 0.9:
        return [r"\sqrt", "{", *part(rng), "}"]
    return [rng.choice([r"\sin", r"\cos"])] + symbol(rng)


def composed(rng):
    """The label of a formula that means nothing but is well formed: tokens
    with single spaces between them."""
    tokens = atom(rng) + ["="] + term(rng)
    if rng.random() < 0.6:
        tokens += [rng.choice("+-")] + term(rng)
    return " ".join(tokens)


def spelled_for_matplotlib(label):
    """Mathtext does not raise a script that has a space before it and sets
    fractions small unless told not to."""
    out = ""
    for token in label.replace(r"\frac", r"\dfrac").split(" "):
        if re.search(r"\\[A-Za-z]+$", out) and token.isalpha():
            out += " "
        out += token
    return out


def ink(label, points):
    """Coverage of each pixel, 0..255, without empty borders."""
    # Here, because labels alone need no Matplotlib.
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser
    rcParams["mathtext.fontset"] = "cm"
    parser = MathTextParser("agg")
    source = spelled_for_matplotlib(label)
    pixels = numpy.asarray(
        parser.parse(f"${source}$", dpi=100, prop=FontProperties(size=points)).image)
    rows = numpy.flatnonzero(pixels.any(axis=1))
    columns = numpy.flatnonzero(pixels.any(axis=0))
    return pixels[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]


def picture(label):
    """Black on white, RGB, the smallest of SIZES that holds the formula."""
    points = POINTS
    while True:
        pixels = ink(label, points)
        height, width = pixels.shape
        fitting = [size for size in SIZES
                   if size[0] >= width + 2 * MARGIN and size[1] >= height + 2]
        if fitting:
            break
        points -= 0.5
    paper = Image.new("L", fitting[0], 255)
    paper.paste(Image.fromarray(255 - pixels),
                (MARGIN, (fitting[0][1] - height) // 2))
    return paper.convert("RGB")


def render(label):
    """The encoded PNG."""
    out = io.BytesIO()
    picture(label).save(out, "PNG", optimize=True)
    return out.getvalue()
