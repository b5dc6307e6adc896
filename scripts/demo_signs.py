"""Small signs in the nine languages of MTVQA: what they say, and pictures."""

import dataclasses
import io
import json
import pathlib

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps, features

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "demo/sources/signs.json"
# Language -> kind -> words of the first line; questions.
LEXICON = json.loads(SOURCE.read_text(encoding="utf-8"))
LANGUAGES = sorted(LEXICON)
KINDS = ("hours", "price", "line")

NOTO = "/usr/share/fonts/truetype/noto/"
CJK = "/usr/share/fonts/opentype/noto/"
# Language -> (file, index in a collection).
FONTS = {
    "AR": (NOTO + "NotoSansArabic-Bold.ttf", 0),
    "TH": (NOTO + "NotoSansThai-Bold.ttf", 0),
    "JA": (CJK + "NotoSansCJK-Bold.ttc", 0),
    "KR": (CJK + "NotoSansCJK-Bold.ttc", 1),
}
LATIN = (NOTO + "NotoSans-Bold.ttf", 0)

# Kind -> (ground, ink, wall behind) of its looks.
LOOKS = {
    "hours": [((34, 94, 62), (250, 244, 220), (176, 158, 136)),
              ((245, 245, 245), (30, 30, 40), (128, 136, 150))],
    "price": [((252, 220, 70), (40, 30, 20), (120, 150, 96)),
              ((250, 248, 238), (36, 36, 48), (158, 134, 108))],
    "line": [((28, 62, 140), (255, 255, 255), (150, 160, 166))],
}
DIRECTIONS = {"AR": "rtl"}
ORIENTATION = 0x0112  # EXIF tag
TEXT_SIZE = 18
LINE_STEP = 25
SIZE_STEP = 28  # pixels of an image token: pictures need no resizing


@dataclasses.dataclass(frozen=True)
class Sign:
    """Two lines, a word and something with numbers, and what can be asked."""

    language: str
    kind: str
    look: int
    lines: tuple
    numbers: tuple  # every answer on it that is not a word
    questions: tuple  # of (question, answer)


def _hours(rng):
    minutes = ["00", "15", "30", "45"]
    return (f"{rng.randrange(6, 12)}:{rng.choice(minutes)}",
            f"{rng.randrange(14, 23)}:{rng.choice(minutes)}")


def _price(language, rng):
    """As prices look in the currency: cents, tens or thousands."""
    if language in ("DE", "FR", "IT"):
        return f"{rng.randrange(1, 20)},{rng.randrange(10)}{rng.choice('05')}"
    if language in ("KR", "VI"):
        return f"{rng.randrange(10, 100)}000"
    return str(rng.randrange(11, 1000))


def compose(language, rng):
    """A sign made up at random, with two questions."""
    words = LEXICON[language]
    ask = words["questions"]
    kind = rng.choice(KINDS)
    word = rng.choice(words[kind])
    if kind == "hours":
        opens, closes = numbers = _hours(rng)
        second = f"{opens} – {closes}"
        questions = [(ask["place"], word), (ask["opens"], opens),
                     (ask["closes"], closes)]
        questions.pop(rng.randrange(3))
    elif kind == "price":
        second = words["price_form"].format(_price(language, rng))
        numbers = (second,)
        questions = [(ask["goods"], word), (ask["price"], second)]
    else:
        number = str(rng.randrange(1, 400))
        second = words["line_form"].format(number)
        numbers = (number,)
        questions = [(ask["goal"], word), (ask["number"], number)]
    return Sign(language, kind, rng.randrange(len(LOOKS[kind])), (word, second),
                numbers, tuple(questions))


def shares_number(sign, taken):
    """Whether a number on it is in `taken`, a set of (language, number)."""
    return any((sign.language, number) in taken for number in sign.numbers)


def font(language, size):
    path, index = FONTS.get(language, LATIN)
    return ImageFont.truetype(path, size, index=index,
                              layout_engine=ImageFont.Layout.RAQM)


def runs(language, text):
    """Thai fonts have no digits or Latin punctuation: those parts of a line are
    set in the Latin font beside them. So is an Arabic sign's line of hours.
    Other scripts are one run."""
    if language == "AR" and not any(c.isalpha() for c in text):
        return [("DE", text)]
    if language != "TH":
        return [(language, text)]
    parts = []
    for character in text:
        thai = "\u0e00" <= character <= "\u0e7f" and character != "\u0e3f"
        if character == " " and parts:
            thai = parts[-1][0] == "TH"
        owner = "TH" if thai else "DE"
        if parts and parts[-1][0] == owner:
            parts[-1] = (owner, parts[-1][1] + character)
        else:
            parts.append((owner, character))
    return parts


class Line:
    """One line of text, shaped and measured."""

    def __init__(self, language, text, size):
        self.direction = DIRECTIONS.get(runs(language, text)[0][0], "ltr")
        self.parts = [(part, font(owner, size)) for owner, part in
                      runs(language, text)]
        self.widths = [f.getlength(t, direction=self.direction)
                       for t, f in self.parts]
        self.width = sum(self.widths)
        self.ascent = max(f.getmetrics()[0] for _, f in self.parts)
        self.height = self.ascent + max(f.getmetrics()[1] for _, f in self.parts)

    def draw(self, draw, x, y, ink):
        for (text, face), width in zip(self.parts, self.widths):
            draw.text((x, y + self.ascent), text, fill=ink, font=face, anchor="ls",
                      direction=self.direction)
            x += width


def panel(sign):
    """The sign itself, seen from the front."""
    ground, ink, _ = LOOKS[sign.kind][sign.look]
    lines = [Line(sign.language, text, TEXT_SIZE) for text in sign.lines]
    width = int(max(line.width for line in lines)) + 16
    width = max(3, -(-(width + 4) // SIZE_STEP)) * SIZE_STEP - 4
    picture = Image.new("RGB", (width, 2 * SIZE_STEP - 4), ground)
    draw = ImageDraw.Draw(picture)
    for i, line in enumerate(lines):
        x = 8 if sign.language not in DIRECTIONS else width - 8 - line.width
        # One base line for all scripts; stacked marks reach above it.
        line.draw(draw, x, 19 + i * LINE_STEP - line.ascent, ink)
    return picture


def wall(size, colour, rng):
    """A lit wall: light falls off from one corner, with grain."""
    slope = Image.linear_gradient("L").rotate(rng.choice([0, 90, 180, 270]))
    light = slope.resize(size).point(lambda v: 150 + v * 90 // 255)
    # Image.effect_noise takes no seed.
    grain = Image.frombytes("L", (16, 16), rng.randbytes(256))
    grain = grain.resize(size, Image.Resampling.BICUBIC).point(
        lambda v: 240 + v * 15 // 255)
    flat = Image.new("RGB", size, colour)
    for layer in (light, grain):
        flat = Image.composite(flat, Image.new("RGB", size, (24, 24, 28)), layer)
    return flat


def photograph(front, colour, rng):
    """The sign on its wall, a little turned and not quite sharp."""
    size = (front.width + 4, front.height + 4)
    mask = Image.new("L", size, 0)
    mask.paste(255, (2, 2, size[0] - 2, size[1] - 2))
    scene = Image.new("RGB", size)
    scene.paste(front, (2, 2))
    angle = rng.uniform(-1.0, 1.0)
    mask = mask.rotate(angle, Image.Resampling.BICUBIC)
    scene = Image.composite(scene.rotate(angle, Image.Resampling.BICUBIC),
                            wall(size, colour, rng), mask)
    return scene.filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 0.4)))


def render(sign, rng, as_png, turned=False):
    """(encoded file, extension). `turned`: a JPEG stored on its side with the
    EXIF orientation that puts it right, as cameras do."""
    if not features.check("raqm"):
        raise SystemExit("Pillow has no Raqm: Arabic and Thai would be set wrongly")
    front = panel(sign)
    colour = LOOKS[sign.kind][sign.look][2]
    out = io.BytesIO()
    if as_png:
        # Flat colours, as of a drawn picture: small without loss.
        ImageOps.expand(front, 2, colour).save(out, "PNG", optimize=True)
        return out.getvalue(), "png"
    scene = photograph(front, colour, rng)
    exif = Image.Exif()
    if turned:
        scene = scene.transpose(Image.Transpose.ROTATE_90)
        exif[ORIENTATION] = 6  # to be turned by 90 degrees clockwise
    scene.save(out, "JPEG", quality=rng.choice([80, 86, 92]), exif=exif,
               progressive=rng.random() < 0.2)
    return out.getvalue(), "jpg"


def contact_sheets(folder, name, rows, columns):
    """PNG files with the pictures of `rows`, for looking at."""
    folder.mkdir(parents=True, exist_ok=True)
    cell = (1800 // columns, 64)
    per_sheet = columns * (1500 // cell[1])
    for start in range(0, len(rows), per_sheet):
        part = rows[start:start + per_sheet]
        lines = -(-len(part) // columns)
        sheet = Image.new("RGB", (cell[0] * columns, cell[1] * lines), (255, 0, 255))
        for i, row in enumerate(part):
            picture = Image.open(io.BytesIO(row["image"]["bytes"]))
            picture = ImageOps.exif_transpose(picture).convert("RGB")
            picture.thumbnail((cell[0] - 4, cell[1] - 4))
            sheet.paste(picture, (i % columns * cell[0], i // columns * cell[1]))
        sheet.save(folder / f"{name}_{start // per_sheet}.png")
