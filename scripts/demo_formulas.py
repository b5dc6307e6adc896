"""Labels and pictures of formulas in the manner of im2latex-100k."""

import io
import re

import numpy
from matplotlib import rcParams
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from PIL import Image

# The padded sizes that the pictures of LaTeX_OCR have, smallest first.
SIZES = sorted(
    [(120, 40), (120, 50), (160, 40), (200, 40), (200, 50), (240, 40), (240, 50),
     (280, 40), (280, 50), (320, 40), (320, 50), (360, 40), (360, 50), (360, 60),
     (360, 100), (400, 50), (400, 160), (500, 100), (500, 160)],
    key=lambda size: size[0] * size[1])
MARGIN = 8
TOKEN = re.compile(r"\\(?:left|right)(?:\\[{}]|[()\[\]|.])|\\[A-Za-z]+|\\.|\S")

GREEK = [r"\alpha", r"\beta", r"\gamma", r"\delta", r"\epsilon", r"\lambda",
         r"\mu", r"\nu", r"\rho", r"\sigma", r"\tau", r"\phi", r"\psi", r"\omega"]
LETTERS = list("abcdefghkmnpqrstuvwxyzABCDFGHJKLMNPQRSTUVWXYZ")


def tokens(source):
    """The label: tokens with single spaces between them."""
    return " ".join(TOKEN.findall(source))


def labels(sources, count, rng):
    """`count` different labels: those of `sources`, then composed ones."""
    found = list(dict.fromkeys(tokens(source) for source in sources))
    while len(found) < count:
        label = tokens(composed(rng))
        if label not in found:
            found.append(label)
    rng.shuffle(found)
    # Many formulas of papers end a clause or a sentence.
    return [label + rng.choice(["", "", r" \, .", " ,", " ."]) for label in found]


def composed(rng):
    """A formula that means nothing but is well formed, as of a paper."""
    left = symbol(rng)
    if rng.random() < 0.3:
        left += "(" + rng.choice("xyztpq") + ")"
    terms = [term(rng, 0) for _ in range(rng.randrange(1, 4))]
    right = terms[0]
    for each in terms[1:]:
        right += rng.choice(["+", "-", "+", "-", r"\pm "]) + each
    return left + rng.choice(["=", "=", "=", r"\equiv ", r"\sim ", r"\leq "]) + right


def symbol(rng):
    name = rng.choice(LETTERS + GREEK)
    if name.startswith("\\"):
        name += " "
    accent = rng.random()
    if accent < 0.08:
        name = rng.choice([r"\tilde", r"\bar", r"\hat", r"\vec"]) + "{" + name + "}"
    if rng.random() < 0.4:
        name += "_{" + " ".join(rng.choices(GREEK + list("ijkn012"), k=rng.randrange(1, 3))) + "}"
    if rng.random() < 0.25:
        name += "^{" + rng.choice(["2", "3", "-1", r"\prime", "n", "N+1", "*"]) + "}"
    return name


def term(rng, depth):
    kind = rng.randrange(9 if depth < 2 else 3)
    if kind < 3:
        return symbol(rng) + (symbol(rng) if kind == 1 else "")
    if kind < 5:
        # No fraction in a fraction: too small to read at these sizes.
        return r"\frac{" + term(rng, 2) + "}{" + term(rng, 2) + "}"
    if kind == 5:
        return r"\sqrt{" + term(rng, depth + 1) + "}"
    if kind == 6:
        return (rng.choice([r"\sin", r"\cos", r"\log", r"\exp"]) + r"\left("
                + term(rng, depth + 1) + r"\right)")
    if kind == 7:
        return (rng.choice([r"\sum_{n=0}^{\infty}", r"\int_{0}^{1}d x\,",
                            r"\prod_{k=1}^{N}"]) + term(rng, depth + 1))
    return r"\left(" + term(rng, depth + 1) + "-" + symbol(rng) + r"\right)"


def spelled_for_matplotlib(label):
    """Mathtext does not raise a script that has a space before it, sets
    fractions small unless told not to, and has other spellings of two commands.
    """
    out = ""
    depth = 0
    for token in label.split(" "):
        depth += {"{": 1, "}": -1}.get(token, 0)
        if token == r"\frac" and depth == 0:
            token = r"\dfrac"
        if re.search(r"\\[A-Za-z]+$", out) and token.isalpha():
            out += " "
        out += token
    return re.sub(r"\\cal ([A-Z])", r"\\mathcal{\1}", out)


def ink(label, points):
    """Coverage of each pixel, 0..255, without empty borders."""
    parser = MathTextParser("agg")
    source = spelled_for_matplotlib(label)
    pixels = numpy.asarray(
        parser.parse(f"${source}$", dpi=100, prop=FontProperties(size=points)).image)
    rows = numpy.flatnonzero(pixels.any(axis=1))
    columns = numpy.flatnonzero(pixels.any(axis=0))
    return pixels[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]


def render(label, rng):
    """The encoded PNG: black on white, RGB, one of SIZES."""
    rcParams["mathtext.fontset"] = "cm"
    points = rng.choice([11.0, 12.0, 12.0, 13.0])
    while True:
        pixels = ink(label, points)
        height, width = pixels.shape
        fitting = [size for size in SIZES
                   if size[0] >= width + 2 * MARGIN and size[1] >= height + 2 * MARGIN]
        if fitting:
            break
        points -= 0.5
    picture = Image.new("L", fitting[0], 255)
    picture.paste(Image.fromarray(255 - pixels), (MARGIN, (fitting[0][1] - height) // 2))
    out = io.BytesIO()
    picture.convert("RGB").save(out, "PNG", optimize=True)
    return out.getvalue()
