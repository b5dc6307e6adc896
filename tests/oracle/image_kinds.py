"""Pictures of every kind that a data set can hold, and a Parquet pair of them.

Strokes on a ramp with some noise: resizing such a picture overshoots, so an
inexact resize shows. Every kind is a pure function of its name.

    image_kinds.py MTVQA.parquet LATEX_OCR.parquet
"""

import io
import pathlib
import random
import struct
import sys
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from PIL import Image, ImageDraw

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import sample_text  # noqa: E402

ORIENTATION = 0x0112


def picture(width, height, seed=0):
    """RGB: a ramp, noise, black and coloured strokes, and some text."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    ramp = np.stack([255 * x / width, 255 * y / height,
                     255 * (x + y) / (width + height)], -1)
    ramp += rng.normal(0, 12, ramp.shape)
    image = Image.fromarray(np.clip(ramp, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        ends = rng.integers(0, [width, height], (2, 2)).reshape(-1).tolist()
        colour = tuple(rng.choice([0, 255], 3).tolist())
        draw.line(ends, fill=colour, width=int(rng.integers(1, 4)))
    draw.text((3, height // 3), "E = m c 2", fill=(0, 0, 0))
    return image


def _jpeg(image, orientation=0, **options):
    out = io.BytesIO()
    if orientation:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    image.save(out, "JPEG", **({"quality": 88} | options))
    return out.getvalue()


def _png(image, **options):
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def _jpeg_440(width, height):
    """4:4:0, which Pillow cannot write: a 4:2:2 file read as the other.

    Both have two luma blocks in a unit; with width and height multiples of 8
    and 16 the count of units fits. The picture is shuffled by blocks, which
    does not matter here.
    """
    data = bytearray(_jpeg(picture(width * 2, height // 2, 5), subsampling=1))
    at = data.index(b"\xff\xc0")
    data[at + 5:at + 9] = struct.pack(">HH", height, width)
    assert data[at + 11] == 0x21
    data[at + 11] = 0x12
    return bytes(data)


def _ycck():
    """Adobe YCCK: a CMYK file whose transform flag says so."""
    data = bytearray(_jpeg(picture(90, 70, 6).convert("CMYK")))
    flag = data.index(b"Adobe") + 11
    assert data[flag] == 0
    data[flag] = 2
    return bytes(data)


def raw_png(samples, depth, colour_type, interlaced=False):
    """A PNG of [height, width, channels] integers, no filters."""
    height, width = samples.shape[:2]
    kind = ">u2" if depth == 16 else "u1"

    def lines(part):
        return b"".join(b"\0" + row.astype(kind).tobytes() for row in part)

    if interlaced:
        starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4),
                  (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        parts = [samples[y::dy, x::dx] for y, x, dy, dx in starts]
        body = b"".join(lines(p) for p in parts if p.shape[1])
    else:
        body = lines(samples)

    def chunk(name, data):
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(
            ">I", crc)

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0,
                         int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b""))


def _deep(width, height, channels):
    rgb = np.asarray(picture(width, height, 8)).astype(np.uint32)
    noise = np.random.default_rng(8).integers(0, 256, rgb.shape)
    deep = rgb * 256 + noise
    if channels == 4:
        alpha = np.linspace(0, 65535, width).astype(np.uint32)
        alpha = np.broadcast_to(alpha[None, :, None], (height, width, 1))
        deep = np.concatenate([deep, alpha], -1)
    return deep[..., :channels]


def _orientation_png():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return _png(picture(120, 60, 9), exif=exif)


def kinds():
    """Name -> encoded file of every kind that both programs can read."""
    files = ROOT / "tests/data/images"
    alpha = picture(77, 91, 10).convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    return {
        "formula_120x50": (files / "train_40.png").read_bytes(),
        "formula_320x40": (files / "train_49.png").read_bytes(),
        "jpeg_420": _jpeg(picture(150, 110, 1)),
        "jpeg_420_odd_size": _jpeg(picture(97, 63, 2)),
        "jpeg_422": _jpeg(picture(130, 75, 3), subsampling=1),
        "jpeg_444": _jpeg(picture(101, 58, 4), subsampling=0),
        "jpeg_440": _jpeg_440(88, 64),
        "jpeg_progressive": _jpeg(picture(140, 100, 11), progressive=True),
        "jpeg_progressive_444": _jpeg(picture(60, 90, 12), progressive=True,
                                      subsampling=0, quality=60),
        "jpeg_restart_low_quality": _jpeg(picture(84, 84, 13), quality=15),
        "jpeg_grey": _jpeg(picture(90, 60, 14).convert("L")),
        "jpeg_cmyk": _jpeg(picture(70, 90, 15).convert("CMYK")),
        "jpeg_ycck": _ycck(),
        "jpeg_orientation_3": _jpeg(picture(120, 60, 16), orientation=3),
        "jpeg_orientation_5": _jpeg(picture(120, 70, 17), orientation=5),
        "jpeg_orientation_6": _jpeg(picture(110, 50, 18), orientation=6),
        "jpeg_orientation_8": _jpeg(picture(100, 60, 19), orientation=8),
        "png_rgb_28x28": _png(picture(28, 28, 20)),
        "png_rgb_42x70": _png(picture(70, 42, 21)),
        "png_rgb_400x300": _png(picture(400, 300, 22)),
        "png_palette": _png(picture(112, 84, 23).quantize(32)),
        "png_palette_transparent": _png(picture(90, 56, 24).quantize(16),
                                        transparency=3),
        "png_grey": _png(picture(95, 66, 25).convert("L")),
        "png_grey_alpha": _png(picture(64, 64, 26).convert("LA")),
        "png_1_bit": _png(picture(88, 61, 27).convert("1")),
        "png_alpha": _png(alpha),
        "png_grey_16": raw_png(_deep(70, 50, 1) // 100, 16, 0),
        "png_rgb_16": raw_png(_deep(70, 60, 3), 16, 2),
        "png_rgba_16": raw_png(_deep(56, 57, 4), 16, 6),
        "png_interlaced": raw_png(np.asarray(picture(75, 93, 28)), 8, 2, True),
        "png_orientation_6": _orientation_png(),
        "png_wide": _png(picture(390, 29, 29)),
        "png_tall": _png(picture(30, 260, 30)),
    }


def broken():
    """Name -> bytes that must end as a failed sample, in both programs."""
    whole = _png(picture(80, 80, 31))
    jpeg = _jpeg(picture(80, 80, 32))
    return {
        "broken_empty": b"",
        "broken_text": b"no picture at all",
        "broken_png_cut": whole[:len(whole) // 2],
        "broken_jpeg_cut": jpeg[:len(jpeg) // 2],
        "broken_ratio": _png(picture(450, 2, 33)),
    }


def _image_column(files):
    return pa.array([{"bytes": data, "path": f"{name}.img"}
                     for name, data in files.items()],
                    pa.struct([("bytes", pa.binary()), ("path", pa.string())]))


def write_pair(mtvqa, latex_ocr, seed=1, with_broken=True, every=1):
    """Both Parquet files with the Hugging Face schemas.

    `every` keeps each n-th picture. MTVQA rows have one to three questions in
    the row's language, among them texts that need quoting care.
    """
    files = dict(list(kinds().items())[::every])
    if with_broken:
        files |= broken()
    names = list(files)
    rng = random.Random(seed)
    parquet.write_table(
        pa.table({"image": _image_column(files), "text": pa.array(
            [sample_text.formula(rng) for _ in names])}),
        latex_ocr, row_group_size=10)
    # A row without bytes has no questions to number; the other file has one.
    names = [name for name in names if files[name]]
    rng.shuffle(names)
    languages, pairs = [], []
    for i, name in enumerate(names):
        language = list(sample_text.QUESTIONS)[i % 9]
        questions = [{"question": q, "answer": a} for q, a in
                     rng.sample(sample_text.QUESTIONS[language],
                                1 + i % 3)]
        if i % 5 == 0:
            questions[0]["question"] += ' "l\'été"\t{question} \\ 😀'
        languages.append(language)
        pairs.append(repr(questions))
    parquet.write_table(
        pa.table({"image": _image_column({n: files[n] for n in names}),
                  "qa_pairs": pa.array(pairs), "lang": pa.array(languages),
                  "id": pa.array(range(len(names)), pa.int64())}),
        mtvqa, row_group_size=10)


if __name__ == "__main__":
    write_pair(sys.argv[1], sys.argv[2])
    print(f"{len(kinds())} kinds, {len(broken())} broken")
