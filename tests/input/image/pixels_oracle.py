"""Compares the image library with PIL, torchvision and transformers.

usage: pixels_oracle.py image_preprocess_main

Everything that the library promises to equal is computed here by the original
and compared: decoded pixels with PIL, resized pixels with torchvision, sizes
and patches with transformers' default Qwen2-VL processor. Prints one line per
question and exits with 1 if any answer is not the expected one.
"""

import io
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib

try:
    import numpy as np
    import torch
    from PIL import Image, ImageOps
    from torchvision.transforms.v2 import functional as tvf
    from transformers import AutoImageProcessor
    from transformers.models.qwen2_vl import image_processing_qwen2_vl as qwen
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

warnings.simplefilter("ignore")
torch.set_num_threads(1)
DATA = os.path.join(os.path.dirname(__file__), "..", "..", "data", "images")
OFFICIAL = {
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2VLProcessor",
}
failures = []


def report(name, count, wrong, note=""):
    print(f"{'ok' if not wrong else 'WRONG'}: {name}: {count} cases {note}")
    for text in wrong[:5]:
        print(f"    {text}")
    if wrong or not count:
        failures.append(name)


class Library:
    """Talks to the test program, which reads commands from its input."""

    def __init__(self, program, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().rstrip("\n")

    def sides(self, *words):
        answer = self.ask(*words)
        if answer.startswith("error"):
            return answer
        return [int(word) for word in answer.split()]

    def path(self, name):
        return os.path.join(self.folder, name)

    def save(self, data, name="input"):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def pixels(self, *words):
        out = self.path("pixels")
        answer = self.sides(*words, out)
        if isinstance(answer, str):
            return answer
        return np.fromfile(out, np.uint8).reshape(*answer, 3)

    def decode(self, data):
        return self.pixels("decode", self.save(data))


def pil_pixels(data):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    return np.asarray(image.convert("RGB"))


def difference(ours, theirs):
    """The largest difference, or a text when there are no pixels to compare."""
    if isinstance(ours, str):
        return ours
    if ours.shape != theirs.shape:
        return f"{ours.shape} is not {theirs.shape}"
    return int(np.abs(ours.astype(int) - theirs).max())


def check_pixels(library, name, files):
    wrong = []
    for label, data in files:
        result = difference(library.decode(data), pil_pixels(data))
        if result != 0:
            wrong.append(f"{label}: {result}")
    report(name, len(files), wrong)


def chunk(kind, data):
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
         (1, 0, 2, 2), (0, 1, 1, 2)]


def pack(samples, bits):
    """Rows of samples to PNG bytes, filter type 0."""
    rows = b""
    for row in samples:
        values = row.reshape(-1)
        if bits == 16:
            body = values.astype(">u2").tobytes()
        elif bits == 8:
            body = values.astype(np.uint8).tobytes()
        else:
            digits = "".join(format(int(v), f"0{bits}b") for v in values)
            digits += "0" * (-len(digits) % 8)
            body = int(digits, 2).to_bytes(len(digits) // 8, "big")
        rows += b"\0" + body
    return rows


def make_png(rng, bits, color, interlaced, before=b"", after=b""):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    height, width = (int(v) for v in rng.integers(1, 40, 2))
    samples = rng.integers(0, 1 << bits, (height, width, channels))
    if color == 0 and bits == 16 and rng.integers(2):
        samples //= 200  # both sides of the clip at 255
    if color == 3:
        entries = int(rng.integers(1, (1 << bits) + 1))
        before += chunk(b"PLTE", rng.integers(0, 256, 3 * entries,
                                              dtype=np.uint8).tobytes())
        samples %= entries
        if rng.integers(2):
            alpha = rng.integers(0, 256, entries, dtype=np.uint8)
            before += chunk(b"tRNS", alpha.tobytes())
    elif color in (0, 2) and rng.integers(2):
        before += chunk(b"tRNS", struct.pack(">H", 0) * channels)
    if interlaced:
        raw = b""
        for x, y, dx, dy in ADAM7:
            part = samples[y::dy, x::dx]
            if part.size:
                raw += pack(part, bits)
    else:
        raw = pack(samples, bits)
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0,
                         interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before
            + chunk(b"IDAT", zlib.compress(raw)) + after + chunk(b"IEND", b""))


def check_png(library):
    rng = np.random.default_rng(7)
    files = []
    kinds = [(b, 0) for b in (1, 2, 4, 8, 16)] + [(8, 2), (16, 2)]
    kinds += [(b, 3) for b in (1, 2, 4, 8)]
    kinds += [(8, 4), (16, 4), (8, 6), (16, 6)]
    for bits, color in kinds:
        for interlaced in (0, 1):
            for i in range(4):
                files.append((f"{bits} bit, colour {color}, {interlaced}, {i}",
                              make_png(rng, bits, color, interlaced)))
    check_pixels(library, "PNG of every kind equals PIL", files)


def exif(orientation, order="<"):
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x112, 3, 1,
                              orientation, 0, 0)


XMP = (b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>',
       b"<x:xmpmeta><tiff:Orientation>%d</tiff:Orientation></x:xmpmeta>")


def check_orientation(library):
    rng = np.random.default_rng(8)
    photo = Image.fromarray(rng.integers(0, 256, (45, 70, 3), dtype=np.uint8))
    files = []
    for value in range(0, 10):
        block = exif(value, "<>"[value % 2])
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG", exif=b"Exif\0\0" + block)
        files.append((f"JPEG EXIF {value}", buffer.getvalue()))
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG", xmp=XMP[value % 2] % value)
        files.append((f"JPEG XMP {value}", buffer.getvalue()))
        both = make_png(rng, 8, 2, 0, before=chunk(b"eXIf", block))
        files.append((f"PNG eXIf {value}", both))
        files.append((f"PNG eXIf behind {value}",
                      make_png(rng, 4, 0, 1, after=chunk(b"eXIf", block))))
        profile = (b"\nexif\n%8d\n" % (len(block) + 6)
                   + (b"Exif\0\0" + block).hex().encode() + b"\n")
        files.append((f"PNG raw profile {value}", make_png(
            rng, 8, 3, 0, chunk(b"zTXt", b"Raw profile type exif\0\0"
                                + zlib.compress(profile)))))
        files.append((f"PNG XMP {value}", make_png(
            rng, 8, 6, 0, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0"
                                + XMP[value % 2] % value))))
    check_pixels(library, "orientation in EXIF and XMP equals PIL", files)


def check_jpeg(library):
    rng = random.Random(9)
    files = []
    samplings = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4), (4, 2), (3, 1)]
    for channels, raw in ((1, 0), (3, 0), (3, 1), (4, 0), (4, 1)):
        for horizontal, vertical in samplings if channels > 1 else [(1, 1)]:
            if channels == 4 and horizontal * vertical > 4:
                continue  # over ten blocks in one unit: not a legal file
            for progressive in (0, 1):
                for arithmetic in (0, 1):
                    for restart in (0, 1):
                        kind = (rng.randint(1, 90), rng.randint(1, 90),
                                channels, raw, horizontal, vertical,
                                progressive, arithmetic, restart,
                                rng.randint(5, 100))
                        path = library.path("made")
                        library.ask("jpeg", path, *kind)
                        with open(path, "rb") as file:
                            files.append((kind, file.read()))
    check_pixels(library, "JPEG of every kind equals PIL", files)
    files = []
    generator = np.random.default_rng(9)
    for i in range(60):
        shape = [int(v) for v in generator.integers(1, 150, 2)]
        noise = generator.integers(0, 256, (*shape, 3), dtype=np.uint8)
        for mode in ("RGB", "L", "CMYK"):
            buffer = io.BytesIO()
            Image.fromarray(noise).convert(mode).save(
                buffer, "JPEG", quality=int(generator.integers(1, 101)),
                subsampling=i % 3, progressive=bool(i % 2),
                icc_profile=b"profile" * 20)
            files.append((f"{mode} {shape} {i}", buffer.getvalue()))
    check_pixels(library, "JPEG of noise equals PIL", files)


def stored_images():
    for name in sorted(os.listdir(DATA)):
        if name.endswith((".png", ".jpg")):
            with open(os.path.join(DATA, name), "rb") as file:
                yield name, file.read()


def check_truncated(library):
    wrong = []
    count = 0
    for name, data in stored_images():
        for cut in range(1, 20):
            part = data[: len(data) * cut // 20]
            try:
                pil_pixels(part)
                expected = "pixels"
            except Exception:
                expected = "error"
            answer = library.decode(part)
            count += 1
            if isinstance(answer, str) != (expected == "error"):
                wrong.append(f"{name} cut at {cut}/20: PIL gives {expected}")
    report("a truncated file is an error where PIL raises", count, wrong)


def odd_pngs():
    """Files with something wrong or missing that leaves all rows there, or
    nearly."""
    rng = np.random.default_rng(13)
    width, height = 50, 40
    rows = b"".join(b"\0" + row.tobytes() for row in rng.integers(
        0, 256, (height, width * 3), dtype=np.uint8))
    data = zlib.compress(rows)
    half = len(data) // 2
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    end = chunk(b"IEND", b"")
    text = chunk(b"tEXt", b"a\0b")
    turned = chunk(b"eXIf", exif(6))

    def wrong(piece):
        return piece[:-1] + bytes([piece[-1] ^ 0xFF])

    def png(*pieces):
        return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)

    def idat(part):
        return chunk(b"IDAT", part)

    flushed = zlib.compressobj()
    flushed = flushed.compress(rows) + flushed.flush(zlib.Z_SYNC_FLUSH)
    whole = idat(data)
    return {
        "sum of the data": png(head, wrong(whole), end),
        "sum of the first of two": png(
            head, wrong(idat(data[:half])), idat(data[half:]), end),
        "sum of the second of two": png(
            head, idat(data[:half]), wrong(idat(data[half:])), end),
        "sum of the header": png(wrong(head), whole, end),
        "sum of the end": png(head, whole, wrong(end)),
        "sum of a text before": png(head, wrong(text), whole, end),
        "sum of a text behind": png(head, whole, wrong(text), end),
        "sum of an unknown chunk": png(
            head, wrong(chunk(b"zzZz", b"ab")), whole, end),
        "sum of a palette": png(
            head, wrong(chunk(b"PLTE", bytes(9))), whole, end),
        "sum of transparency": png(
            head, wrong(chunk(b"tRNS", bytes(6))), whole, end),
        "sum of EXIF before": png(head, wrong(turned), whole, end),
        "sum of EXIF behind": png(head, whole, wrong(turned), end),
        "unknown critical chunk": png(head, chunk(b"ABCD", b"a"), whole, end),
        "no zlib sum": png(head, idat(data[:-4]), end),
        "half a zlib sum": png(head, idat(data[:-2]), end),
        "wrong zlib sum": png(head, idat(data[:-4] + bytes(4)), end),
        "wrong zlib sum, apart": png(
            head, idat(data[:-4]), idat(bytes(4)), end),
        "bytes behind the zlib stream": png(head, idat(data + b"junk"), end),
        "more rows": png(head, idat(zlib.compress(rows + rows[:200])), end),
        "bytes behind the end": png(head, whole, end, b"junk" * 100),
        "no end": png(head, whole),
        "no sum and no end": png(head, whole)[:-4],
        "half a sum and no end": png(head, whole)[:-2],
        "zlib stream cut a little": png(head, idat(data[:-20]), end),
        "last row short": png(head, idat(zlib.compress(rows[:-10])), end),
        "zlib stream without end": png(head, idat(flushed), end),
        "data longer than the file": png(
            head, struct.pack(">I", len(data) + 50), whole[4:], end),
        "empty data first": png(head, idat(b""), whole, end),
        "data in two places": png(
            head, idat(data[:half]), text, idat(data[half:]), end),
        "data again": png(head, whole, text, idat(data), end),
        "unknown filter": png(
            head, idat(zlib.compress(b"\7" + rows[1:])), end),
        "zlib header": png(head, idat(b"\x78\x9d" + data[2:]), end),
        "two headers": png(head, head, whole, end),
        "no data": png(head, end),
        "noise behind the data": png(head, whole, b"\xff" * 60),
    }


def odd_jpegs():
    rng = np.random.default_rng(14)
    photo = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
    files = {}
    for progressive in (False, True):
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG", quality=90, progressive=progressive)
        data = buffer.getvalue()
        files |= {f"{name}, {progressive}": changed for name, changed in {
            "no end": data[:-2],
            "half an end": data[:-1],
            "cut a little": data[:-10],
            "cut": data[:len(data) // 2],
            "bytes behind the end": data + b"junk" * 50,
            "bytes before the end": data[:-2] + b"\0\1\2\3" + data[-2:],
            "fill bytes before the end": data[:-2] + b"\xff\xff" + data[-2:],
            "two pictures": data + data,
            "one byte": data[:900] + bytes([data[900] ^ 0x55]) + data[901:],
            "end too early": data[:900] + b"\xff\xd9" + data[900:],
            "end too early, cut": data[:900] + b"\xff\xd9",
        }.items()}
    return files


def check_odd_files(library):
    wrong = []
    files = odd_pngs() | odd_jpegs()
    for name, data in files.items():
        ours = library.decode(data)
        try:
            theirs = pil_pixels(data)
        except Exception as error:
            if not isinstance(ours, str):
                wrong.append(f"{name}: PIL gives {error!r}")
            continue
        result = difference(ours, theirs)
        if result != 0:
            wrong.append(f"{name}: {result}")
    report("odd files are decoded or refused as by PIL", len(files), wrong)


def check_resize(library):
    rng = np.random.default_rng(10)
    wrong = []
    cases = 0
    for i in range(320):
        height, width = (int(v) for v in rng.integers(1, 200, 2))
        new = [int(v) for v in rng.integers(1, 260, 2)]
        if i % 7 == 0:
            new[0] = height
        if i % 11 == 0:
            new[1] = width
        kind = i % 3
        if kind == 0:
            pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        elif kind == 1:  # ink on paper: overshoots everywhere
            pixels = (rng.integers(0, 2, (height, width, 3)) * 255).astype(
                np.uint8)
        else:
            ramp = np.add.outer(np.arange(height), np.arange(width)) % 256
            pixels = np.stack([ramp] * 3, -1).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
        path = library.save(buffer.getvalue())
        ours = library.pixels("resize", path, *new)
        theirs = tvf.resize(torch.from_numpy(pixels).permute(2, 0, 1), new,
                            tvf.InterpolationMode.BICUBIC, antialias=True)
        result = difference(ours, theirs.permute(1, 2, 0).numpy())
        cases += 1
        if result != 0:
            wrong.append(f"{height} x {width} to {new}: {result}")
    report("resize equals torchvision bit for bit", cases, wrong)


def check_sizes(library):
    rng = random.Random(11)
    limits = [(3136, 12845056), (3136, 1003520), (784, 50176),
              (100352, 200704), (1, 1000000000)]
    sides = list(range(1, 90)) + [14 * k for k in range(1, 60)]
    sides += [rng.randint(1, 9000) for _ in range(40)]
    pairs = [(h, w) for h in sides for w in rng.sample(sides, 40)]
    pairs += [(1, 200), (1, 201), (200, 1), (201, 1), (10, 1900), (14, 14),
              (42, 70), (98, 126), (3024, 4032), (5000, 5000)]
    wrong = []
    count = 0
    for low, high in limits:
        for height, width in pairs:
            try:
                expected = list(qwen.smart_resize(height, width, 28, low, high))
            except ValueError:
                expected = "error"
            ours = library.sides("size", low, high, height, width)
            if isinstance(ours, str):
                ours = "error"
            count += 1
            if expected != "error" and expected[0] * expected[1] > 1 << 28:
                expected = "error"
            if ours != expected:
                wrong.append(f"{height} x {width} in {low}..{high}: "
                             f"{ours} is not {expected}")
    report("smart_resize equals transformers", count, wrong)


def save_config(library, name, config, file="preprocessor_config.json"):
    folder = library.path(name)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, file), "w") as stream:
        json.dump(config, stream)
    return folder


def processor_of(folder):
    # The class default of `size` is changed by earlier instances (they write
    # into it), so it is restored before each construction.
    qwen.Qwen2VLImageProcessor.size = {"shortest_edge": 3136,
                                       "longest_edge": 1003520}
    return AutoImageProcessor.from_pretrained(folder)


def check_configs(library):
    base = {"image_processor_type": "Qwen2VLImageProcessor"}
    edges = {"shortest_edge": 784, "longest_edge": 501760}
    configs = [
        OFFICIAL,
        base,
        {**base, "min_pixels": 50176},
        {**base, "max_pixels": 50176},
        {**base, "size": edges},
        {**base, "size": edges, "min_pixels": 50176},
        {**base, "size": edges, "max_pixels": 50176},
        {**base, "size": {**edges, "min_pixels": 5}, "min_pixels": 3137},
        {**base, "size": {"min_pixels": 1, "max_pixels": 2}, "min_pixels": 6272,
         "max_pixels": 50176},
        {**base, "size": None, "min_pixels": None, "max_pixels": 99999},
        {**base, "size": {"shortest_edge": 784}},
        {**base, "size": {"shortest_edge": 784}, "max_pixels": 501760},
        {**base, "size": {"min_pixels": 784, "max_pixels": 50176}},
        {**base, "size": {**edges, "other": 3}},
        {**base, "patch_size": 16, "merge_size": 1, "temporal_patch_size": 1},
        {**OFFICIAL, "size": edges},
        {**OFFICIAL, "image_processor_type": "Qwen2VLImageProcessorFast"},
        {**OFFICIAL, "image_processor_type": "Qwen2VLImageProcessorPil"},
        {**OFFICIAL, "image_processor_type": "Qwen2_5_VLImageProcessor"},
        None,  # no file
    ]
    photo = Image.new("RGB", (61, 47))
    wrong = []
    for i, config in enumerate(configs):
        folder = save_config(library, f"config{i}", config)
        if config is None:
            os.remove(os.path.join(folder, "preprocessor_config.json"))
        if i == 1:
            save_config(library, f"config{i}",
                        {"image_processor": {**base, "size": edges}},
                        "processor_config.json")
        try:
            processor = processor_of(folder)
            processor(images=photo, return_tensors="pt")
            expected = [processor.size.shortest_edge,
                        processor.size.longest_edge, processor.patch_size,
                        processor.temporal_patch_size, processor.merge_size]
        except (ValueError, TypeError, OSError):
            expected = "error"
        ours = library.sides("config", folder)
        if isinstance(ours, str):
            ours = "error"
        if ours != expected:
            wrong.append(f"{config}: {ours} is not {expected}")
    report("the configuration is read as transformers does", len(configs),
           wrong)


def check_patches(library):
    rng = np.random.default_rng(12)
    base = {"image_processor_type": "Qwen2VLImageProcessor"}
    folders = [
        save_config(library, "official", OFFICIAL),
        save_config(library, "small", {**base, "max_pixels": 50176}),
        save_config(library, "large", {**base, "min_pixels": 200704}),
        save_config(library, "other", {
            **base, "patch_size": 7, "merge_size": 3, "temporal_patch_size": 1,
            "rescale_factor": 1 / 127.5, "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.4, 0.3]}),
    ]
    processors = [processor_of(folder) for folder in folders]
    files = list(stored_images())
    for i in range(200):
        height, width = (int(v) for v in rng.integers(15, 330, 2))
        if max(height, width) > 20 * min(height, width):
            width = height
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).convert(
            ("RGB", "L", "P", "LA", "RGBA", "1", "RGB", "CMYK")[i % 8])
        buffer = io.BytesIO()
        image.save(buffer, "JPEG" if i % 8 > 5 else "PNG")
        files.append((f"{height} x {width} {image.mode}", buffer.getvalue()))
    wrong = []
    worst = 0.0
    for i, (name, data) in enumerate(files):
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        which = i % len(folders)
        theirs = processors[which](images=image.convert("RGB"),
                                   return_tensors="pt")
        out = library.path("patches")
        ours = library.sides("preprocess", library.save(data), folders[which],
                             out)
        grid = theirs["image_grid_thw"][0].tolist()
        if [1, *ours[:2]] != grid or ours[2:] != [image.height, image.width]:
            wrong.append(f"{name}: {ours} is not {grid}")
            continue
        values = theirs["pixel_values"].numpy()
        mine = np.fromfile(out, np.float32)
        if mine.size != values.size:
            wrong.append(f"{name}: {mine.size} values, not {values.size}")
            continue
        gap = float(np.abs(mine.reshape(values.shape) - values).max())
        worst = max(worst, gap)
        if not gap <= 1e-6:
            wrong.append(f"{name}: {gap}")
    report("patches equal transformers' default processor", len(files), wrong,
           f"(largest difference {worst:g})")


def main():
    with tempfile.TemporaryDirectory() as folder:
        library = Library(sys.argv[1], folder)
        check_png(library)
        check_orientation(library)
        check_jpeg(library)
        check_truncated(library)
        check_odd_files(library)
        check_resize(library)
        check_sizes(library)
        check_configs(library)
        check_patches(library)
        library.process.stdin.close()
        if library.process.wait() != 0:
            failures.append("the test program failed")
    print("FAILED: " + "; ".join(failures) if failures else "all equal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
