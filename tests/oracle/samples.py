"""Reads the two data sets from Parquet the way the oracle wants them."""

import ast
import dataclasses
import io

import pyarrow.parquet as parquet
from PIL import Image, ImageOps

SYSTEM_PROMPT = "You are a helpful assistant."
PROMPTS = {
    "latex_ocr": "Using LaTeX to perform OCR on the image.",
    "mtvqa": "{question}\nAnswer the question using a word or phrase in the "
             "language of the question.",
}


@dataclasses.dataclass
class Sample:
    """One question about one image."""

    sample_id: str
    row: int
    question_index: int
    language: str
    prompt: str
    reference: str
    image: bytes


def read(name, path, limit=0, prompts=None):
    """The samples of one Parquet file in row order."""
    template = (prompts or PROMPTS)[name]
    table = parquet.read_table(path)
    images = table.column("image").to_pylist()
    out = []
    if name == "latex_ocr":
        for row, text in enumerate(table.column("text").to_pylist()):
            out.append(Sample(str(row), row, 0, "", template, text,
                              images[row]["bytes"]))
    else:
        languages = table.column("lang").to_pylist()
        for row, literal in enumerate(table.column("qa_pairs").to_pylist()):
            for q, pair in enumerate(ast.literal_eval(literal)):
                prompt = template.replace("{question}", pair["question"])
                out.append(Sample(f"{row}.{q}", row, q, languages[row], prompt,
                                  pair["answer"], images[row]["bytes"]))
    return out[:limit] if limit else out


def decode_image(encoded):
    """The picture as the `datasets` library hands it to the processor."""
    image = Image.open(io.BytesIO(encoded))
    image.load()
    return ImageOps.exif_transpose(image)


def render(prompt):
    """The prompt of the contract with one image placeholder."""
    return (f"<|im_start|>system\n{SYSTEM_PROMPT}<|im_end|>\n"
            "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>"
            f"{prompt}<|im_end|>\n<|im_start|>assistant\n")
