"""Samples the demo's model is trained on and tested with.

A sample is a picture with a question and its answer. Held-out samples are the
test splits of demo/data; training samples are made by the same generators. They
share no formula and no picture with them, and no number that is asked for on a
held-out sign stands on a training sign of its language; words recur.
"""

import ast
import dataclasses
import hashlib
import io
import pathlib
import random

import numpy
import pyarrow.parquet as parquet
from PIL import Image, ImageOps

import demo_formulas
import demo_signs

DATA = pathlib.Path(__file__).resolve().parent.parent / "demo/data"
SPLIT_FILE = "{}/{}-00000-of-00001.parquet"
SYSTEM = "You are a helpful assistant."
FORMULA_PROMPT = "Using LaTeX to perform OCR on the image."
SIGN_PROMPT = ("{}\nAnswer the question using a word or phrase in the language "
               "of the question.")


@dataclasses.dataclass(frozen=True)
class Sample:
    dataset: str  # latex_ocr or mtvqa
    language: str  # "" of a formula
    picture: int  # index into the pictures beside
    prompt: str
    answer: str


def rgb(data):
    """The picture as a data set's reader gives it."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    return numpy.asarray(picture.convert("RGB"))


def digest(pixels):
    return hashlib.sha256(repr(pixels.shape).encode()
                          + pixels.tobytes()).hexdigest()


def rows(dataset, split):
    return parquet.read_table(DATA / SPLIT_FILE.format(dataset, split)).to_pylist()


def held_out():
    """(samples, pictures) of the test splits, formulas first."""
    samples, pictures = [], []
    for row in rows("latex_ocr", "test"):
        samples.append(Sample("latex_ocr", "", len(pictures), FORMULA_PROMPT,
                              row["text"]))
        pictures.append(rgb(row["image"]["bytes"]))
    for row in rows("mtvqa", "test"):
        samples += [Sample("mtvqa", row["lang"], len(pictures),
                           SIGN_PROMPT.format(pair["question"]), pair["answer"])
                    for pair in ast.literal_eval(row["qa_pairs"])]
        pictures.append(rgb(row["image"]["bytes"]))
    return samples, pictures


def taken_by(samples):
    """(formulas, {(language, number)}) that training must not show."""
    formulas = {s.answer for s in samples if s.dataset == "latex_ocr"}
    numbers = {(s.language, s.answer) for s in samples
               if s.dataset == "mtvqa" and any(c.isdigit() for c in s.answer)}
    return formulas, numbers


def formula_of(seed, number, taken):
    """Label of training formula `number`."""
    rng = random.Random(f"{seed}/formula/{number}")
    label = demo_formulas.composed(rng)
    while label in taken:
        label = demo_formulas.composed(rng)
    return label


def sign_of(seed, number, taken):
    """(sign, generator for its picture) of training sign `number`; languages in
    turn."""
    rng = random.Random(f"{seed}/sign/{number}")
    language = demo_signs.LANGUAGES[number % len(demo_signs.LANGUAGES)]
    sign = demo_signs.compose(language, rng)
    while demo_signs.shares_number(sign, taken):
        sign = demo_signs.compose(language, rng)
    return sign, rng


def made_formula(job):
    label = formula_of(*job)
    return label, numpy.asarray(demo_formulas.picture(label))


def made_sign(job):
    sign, rng = sign_of(*job)
    data, _ = demo_signs.render(sign, rng, as_png=rng.random() < 1 / 3)
    return sign, rgb(data)


def made(seed, formulas, signs, pool):
    """(samples, pictures) of made formulas and signs, disjoint from the
    held-out ones. `pool` of multiprocessing draws them."""
    held, held_pictures = held_out()
    taken_formulas, taken_numbers = taken_by(held)
    samples, pictures = [], []
    for label, pixels in pool.imap(
            made_formula, [(seed, i, taken_formulas) for i in range(formulas)], 50):
        samples.append(Sample("latex_ocr", "", len(pictures), FORMULA_PROMPT,
                              label))
        pictures.append(pixels)
    for sign, pixels in pool.imap(
            made_sign, [(seed, i, taken_numbers) for i in range(signs)], 50):
        samples += [Sample("mtvqa", sign.language, len(pictures),
                           SIGN_PROMPT.format(q), a) for q, a in sign.questions]
        pictures.append(pixels)
    assert_disjoint(samples, pictures, held, held_pictures)
    return samples, pictures


def assert_disjoint(samples, pictures, held, held_pictures):
    formulas, numbers = taken_by(held)
    for sample in samples:
        if (sample.answer in formulas
                or (sample.language, sample.answer) in numbers):
            raise AssertionError(f"{sample} is held out")
    shared = set(map(digest, pictures)) & set(map(digest, held_pictures))
    if shared:
        raise AssertionError(f"{len(shared)} pictures are held out")


def lines(samples):
    """What the tokenizer is trained on."""
    return [line for s in samples for line in (s.prompt, s.answer)]
