"""Pictures of signs in the nine languages of MTVQA."""

import io

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps, features

NOTO = "/usr/share/fonts/truetype/noto/"
CJK = "/usr/share/fonts/opentype/noto/"
# Language -> (sans, serif), each (file, index in a collection).
FONTS = {
    "AR": ((NOTO + "NotoSansArabic-Bold.ttf", 0), (NOTO + "NotoNaskhArabic-Bold.ttf", 0)),
    "TH": ((NOTO + "NotoSansThai-Bold.ttf", 0), (NOTO + "NotoSerifThai-Bold.ttf", 0)),
    "JA": ((CJK + "NotoSansCJK-Bold.ttc", 0), (CJK + "NotoSerifCJK-Bold.ttc", 0)),
    "KR": ((CJK + "NotoSansCJK-Bold.ttc", 1), (CJK + "NotoSerifCJK-Bold.ttc", 1)),
}
LATIN = ((NOTO + "NotoSans-Bold.ttf", 0), (NOTO + "NotoSerif-Bold.ttf", 0))

# Look -> (ground, ink, ink of the first line, serif, wall behind).
LOOKS = {
    "shop": ((34, 94, 62), (250, 244, 220), (255, 214, 92), True, (176, 158, 136)),
    "street": ((28, 62, 140), (255, 255, 255), (255, 255, 255), False, (150, 160, 166)),
    "tag": ((252, 220, 70), (40, 30, 20), (170, 20, 20), False, (120, 150, 96)),
    "notice": ((245, 245, 245), (30, 30, 40), (12, 84, 160), False, (128, 136, 150)),
    "poster": ((120, 30, 60), (250, 230, 210), (255, 200, 120), True, (190, 186, 178)),
    "chalk": ((38, 44, 42), (235, 235, 225), (250, 200, 130), True, (140, 96, 60)),
    "warning": ((255, 196, 0), (20, 20, 20), (180, 0, 0), False, (110, 112, 116)),
    "brass": ((196, 164, 92), (46, 34, 14), (46, 34, 14), True, (96, 72, 60)),
    "paper": ((250, 248, 238), (36, 36, 48), (140, 24, 24), True, (158, 134, 108)),
    "label": ((240, 228, 196), (80, 50, 20), (120, 60, 10), True, (200, 170, 120)),
}
DIRECTIONS = {"AR": "rtl"}
ORIENTATION = 0x0112  # EXIF tag


def font(language, serif, size):
    path, index = FONTS.get(language, LATIN)[1 if serif else 0]
    return ImageFont.truetype(path, size, index=index,
                              layout_engine=ImageFont.Layout.RAQM)


def runs(language, text):
    """Thai fonts have no digits or Latin punctuation: those parts of a line are
    set in the Latin font beside them. Other scripts are one run."""
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

    def __init__(self, language, text, serif, size):
        self.direction = DIRECTIONS.get(language, "ltr")
        self.parts = [(part, font(owner, serif, size)) for owner, part in
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


def panel(language, look, lines, rng):
    """The sign itself, seen from the front."""
    ground, ink, first_ink, serif, _ = LOOKS[look]
    size = rng.choice([26, 28, 30])
    set_lines = [Line(language, text, serif, int(size * (1.35 if i == 0 else 1)))
                 for i, text in enumerate(lines)]
    pad = 22
    width = int(max(line.width for line in set_lines)) + 2 * pad
    # Noto's line heights leave room for stacked marks; signs are set tighter.
    step = [int(line.height * 0.92) for line in set_lines]
    picture = Image.new("RGB", (max(width, 200), sum(step) + 2 * pad), ground)
    draw = ImageDraw.Draw(picture)
    frame = [6, 6, picture.width - 7, picture.height - 7]
    if look in ("street", "warning", "brass", "shop", "label"):
        draw.rectangle(frame, outline=ink, width=3)
    centred = look not in ("chalk", "notice")
    y = pad
    for i, line in enumerate(set_lines):
        if centred:
            x = (picture.width - line.width) / 2
        elif line.direction == "rtl":
            x = picture.width - pad - line.width
        else:
            x = pad
        line.draw(draw, x, y, first_ink if i == 0 else ink)
        y += step[i]
    return picture


def wall(size, colour, rng):
    """A lit wall: light falls off from one corner, with grain."""
    slope = Image.linear_gradient("L").rotate(rng.choice([0, 90, 180, 270]))
    light = slope.resize(size).point(lambda v: 150 + v * 90 // 255)
    # Image.effect_noise takes no seed; drawn small and enlarged it also
    # compresses better.
    small = Image.frombytes("L", (64, 64), rng.randbytes(4096))
    grain = small.resize(size, Image.Resampling.BICUBIC).point(
        lambda v: 240 + v * 15 // 255)
    flat = Image.new("RGB", size, colour)
    for layer in (light, grain):
        flat = Image.composite(flat, Image.new("RGB", size, (24, 24, 28)), layer)
    return flat


def photograph(sign, look, rng):
    """The sign on its wall, a little turned, with a shadow."""
    margin = rng.randrange(16, 36)
    size = (sign.width + 2 * margin, sign.height + 2 * margin)
    scene = wall(size, LOOKS[look][4], rng)
    mask = Image.new("L", size, 0)
    mask.paste(255, (margin, margin, margin + sign.width, margin + sign.height))
    front = Image.new("RGB", size)
    front.paste(sign, (margin, margin))
    angle = rng.uniform(-3.0, 3.0)
    mask = mask.rotate(angle, Image.Resampling.BICUBIC)
    front = front.rotate(angle, Image.Resampling.BICUBIC)
    shadow = mask.filter(ImageFilter.GaussianBlur(5)).point(lambda v: v // 2)
    scene.paste((10, 10, 14), (4, 6), shadow)
    scene.paste(front, (0, 0), mask)
    return scene.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.7)))


def render(language, look, lines, rng, as_png, turned):
    """(encoded file, extension). `turned`: a JPEG stored on its side with the
    EXIF orientation that puts it right, as cameras do."""
    if not features.check("raqm"):
        raise SystemExit("Pillow has no Raqm: Arabic and Thai would be set wrongly")
    sign = panel(language, look, lines, rng)
    out = io.BytesIO()
    if as_png:
        # Flat colours, as of a drawn picture: small without loss.
        scene = ImageOps.expand(sign, 14, LOOKS[look][4])
        scene.save(out, "PNG", optimize=True)
        return out.getvalue(), "png"
    scene = photograph(sign, look, rng)
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
    cell = (1800 // columns, 300 if columns > 4 else 110)
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
