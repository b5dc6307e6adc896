"""A browser draws every figure, on light and dark pages: no picture is blank,
and none is cut. LENS_KEEP_SCREENSHOTS=FOLDER keeps the pictures.

    browser_test.py --samples build/tests/figure_samples
"""

import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import samples

FOLDER = None
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DARK = (":root{--lens-paper:#16181c;--lens-ink:#e8e8e8;--lens-muted:#a0a4aa;"
        "--lens-grid:#2c2f36;--lens-axis:#7a7f87;--lens-blank:#24272d;"
        "--lens-hatch:#5a5f68;--lens-match:#ff453a;--lens-c0:#3d9bd9;"
        "--lens-c6:#fff;--lens-c7:#a99cf0}")
PAPER = {"": (255, 255, 255), DARK: (0x16, 0x18, 0x1c)}


def browser():
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def missing():
    if not browser():
        return "no chromium here; apt-get install chromium"
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        return "no Python package pillow"
    return None


def screenshot(svg, style):
    """RGB pixels of the figure inline in a page, at its own size."""
    from PIL import Image
    size = re.search(r'width="(\d+)" height="(\d+)"', svg).groups()
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        page.write_text(
            '<!doctype html><meta charset="utf-8"><style>body{margin:0}svg'
            "{display:block}" + html.escape(style) + "</style>" + svg,
            encoding="utf-8")
        picture = pathlib.Path(folder) / "picture.png"
        # --no-sandbox: containers lack the rights for one, and the page is ours.
        subprocess.run(
            [browser(), "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--hide-scrollbars",
             f"--user-data-dir={folder}/profile",
             f"--window-size={','.join(size)}", f"--screenshot={picture}",
             page.as_uri()],
            capture_output=True, timeout=60, check=True)
        with Image.open(picture) as image:
            return image.convert("RGB")


class BrowserTest(unittest.TestCase):
    def check(self, name, style):
        picture = screenshot((FOLDER / f"{name}.svg").read_text("utf-8"), style)
        if os.environ.get("LENS_KEEP_SCREENSHOTS"):
            folder = pathlib.Path(os.environ["LENS_KEEP_SCREENSHOTS"])
            picture.save(folder / f"{name}{'.dark' if style else ''}.png")
        width, height = picture.size
        paper = PAPER[style]
        self.assertEqual(picture.getpixel((2, 2)), paper)
        colours = picture.getcolors(width * height)
        inked = sum(count for count, colour in colours if colour != paper)
        self.assertGreater(inked / (width * height), 0.01)
        self.assertGreater(len(colours), 16)
        # Nothing touches the border: no text is cut there.
        for x in range(width):
            for y in (0, height - 1):
                self.assertEqual(picture.getpixel((x, y)), paper, (x, y))
        for y in range(height):
            for x in (0, width - 1):
                self.assertEqual(picture.getpixel((x, y)), paper, (x, y))

    def test_every_kind_is_drawn(self):
        names = [file.stem for file in sorted(FOLDER.glob("*.svg"))]
        self.assertGreater(len(names), 15)
        for name in names:
            with self.subTest(name):
                self.check(name, "")

    def test_dark_pages_change_the_paper(self):
        for name in ("heat_map", "comparison", "histogram_9", "stack_9",
                     "image_map"):
            with self.subTest(name):
                self.check(name, DARK)

    def test_cells_have_the_colours_of_the_file(self):
        svg = (FOLDER / "heat_map_one_token.svg").read_text("utf-8")
        picture = screenshot(svg, "")
        seen = {f"#{r:02x}{g:02x}{b:02x}" for _, (r, g, b) in
                picture.getcolors(picture.width * picture.height)}
        cells = set(re.findall(r'fill="(#[0-9a-f]{6})"><title>', svg))
        self.assertGreater(len(cells), 10)
        self.assertLessEqual(cells, seen)


if __name__ == "__main__":
    samples.main(sys.modules["__main__"], missing)
