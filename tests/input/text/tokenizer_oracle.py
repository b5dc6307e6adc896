#!/usr/bin/env python3
"""Compares the tokenizer with Hugging Face's, which has to agree everywhere.

Usage: tokenizer_oracle.py PROGRAM CHECKPOINT {strings,characters,small} [COUNT]

strings     COUNT (100,000) texts through encode, COUNT/5 id lists through decode
characters  every code point: where it lets text be split, what NFC makes of it
small       a vocabulary of 500 tokens made here, in every file layout

PROGRAM is lens_text_tokenize. Exits with 77 if Hugging Face is not installed.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

try:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
    from tokenizers import decoders, normalizers, trainers
    from transformers import Qwen2Tokenizer
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
LANGUAGES = {
    "ar": "ما هو السعر المكتوب على اللافتة؟ السَّلامُ عَلَيْكُم ٣٫٥٠ ريال، مفتوح من ٩ صباحًا",
    "de": "Wie groß ist die Öffnung? Straßenbahn-Haltestelle „Königsplatz“: 3,50 € für Erwachsene",
    "fr": "Quel est le prix affiché à l'entrée ? L'été, ouvert dès 9 h : « crêpes » & œufs à 3,50 €",
    "it": "Qual è l'orario d'apertura? Perché no: città, caffè, più tardi, dell'università n° 5",
    "ja": "この看板には何と書いてありますか？ラーメン一杯七五〇円（税込）ｶﾞｷﾞｸﾞ がぎぐ",
    "ko": "이 간판에 적힌 가격은 얼마입니까? 영업시간 오전 9시~오후 10시, 김치찌개 7,000원",
    "ru": "Что написано на вывеске? Ёлка, подъезд № 5; цена — 350 руб., работаем с 9:00 до 21:00",
    "th": "ป้ายนี้เขียนว่าอะไร ราคา ๓๕๐ บาท เปิดทุกวัน น้ำดื่มสะอาด กำลังใจ ซื้อ ๑ แถม ๑",
    "vi": "Biển hiệu này ghi gì? Phở bò đặc biệt 50.000đ, mở cửa từ 7 giờ đến 22 giờ, Nguyễn Huệ",
}
BLOCKS = {
    "ar": [(0x600, 0x6FF)], "de": [(0x41, 0x7A), (0xC0, 0xFF)],
    "fr": [(0x61, 0x7A), (0xC0, 0xFF)], "it": [(0x61, 0x7A), (0xC0, 0xFF)],
    "ja": [(0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xFF61, 0xFF9F)],
    "ko": [(0xAC00, 0xD7A3), (0x1100, 0x11FF)], "ru": [(0x400, 0x4FF)],
    "th": [(0xE00, 0xE5B)], "vi": [(0x1EA0, 0x1EF9), (0x61, 0x7A)],
}
LATEX = r"""\frac { 1 } { 2 }|\int _ { 0 } ^ { \infty }|e^{-x^2}\,dx|\sqrt[3]{x+1}|\begin{array}{cc}|a & b \\|\end{array}
|\alpha _ { i j }|\left( \partial _ { \mu }|\right)|\operatorname* { l i m }|\mathcal { L }|\,.|\;|\!|\quad|{\cal N}=4|\Bigl\|""".split("|")
CODE = """def f(x):\n    return x**2|for (int i = 0; i < n; ++i) {\n\t|}\n\n\n| != nullptr && |std::vector<int>{1, 2}|<div class="a">|</div>
|0x1F|3.14e-10|#include <a.h>\r\n|\r\n\r\n|  # comment|"it's"|self.__init__()|=>|$HOME/bin|\\n|\\x41|SELECT * FROM t;|::""".split("|")
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "❤️", "1️⃣", "‍", "️", "🫠", "🪿", "☃", "✈︎", "™"]
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>",
           "<|video_pad|>", "<|box_start|>", "<|quad_end|>", "<|object_ref_start|>", "<|im_end|", "<|im_", "<|", "|>",
           "<|IM_END|>", "<<|im_end|>>", "<|im_start|>user\n", "<|im_end|>\u0338", "<|unknown|>"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r", "\r\n", "\u00a0", "\u3000", "\u2003", "\u2028", "\x85", "\x1c", "\x0b",
          "\x0c", "\u200b", "\ufeff", "\u1680", "\u180e"]
CONTRACTIONS = ["'s", "'S", "'t", "'RE", "'Ve", "'m", "'LL", "'lL", "'d", "'ſ", "'K", "'K", "’s", "''s", "'re's", "' s", "'r",
                "'l", "'v", "s'", "'ß", "'ﬆ", "ŉ", "can't", "I'M", "don'T", "'E", "'lſ"]


def run(program, checkpoint, mode, lines):
    """What the program answers to each line."""
    done = subprocess.run([program, checkpoint, mode], check=True, stdout=subprocess.PIPE,
                          input="".join(json.dumps(line) + "\n" for line in lines).encode())
    # Bytes, because text also ends lines at U+2028 and the like.
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines), (mode, len(answers), len(lines))
    return answers


def compare(what, inputs, expected, answers):
    """Prints the first differences; returns their number."""
    wrong = [i for i, (e, a) in enumerate(zip(expected, answers)) if e != a]
    print(f"{what}: {len(inputs)} compared, {len(wrong)} differ", flush=True)
    for i in wrong[:5]:
        print(f"  input    {inputs[i]!a:.300}\n  expected {expected[i]!a:.300}\n  got      {answers[i]!a:.300}")
    return len(wrong)


class Texts:
    """Random texts, the same ones for the same seed."""

    def __init__(self, seed, words):
        self.random = random.Random(seed)
        self.words = words
        self.marks = [c for c in CODE_POINTS if unicodedata.combining(chr(c)) or 0x1100 <= c < 0x1200]
        self.composed = [c for c in CODE_POINTS if unicodedata.decomposition(chr(c)) and not 0xAC00 <= c < 0xD7A4]

    def pick(self, items, low, high, joiner=""):
        return joiner.join(self.random.choices(items, k=self.random.randint(low, high)))

    def language(self):
        name = self.random.choice(list(LANGUAGES))
        words = LANGUAGES[name].split(" ")
        blocks = BLOCKS[name]
        noise = ["".join(chr(self.random.randint(*self.random.choice(blocks))) for _ in range(self.random.randint(1, 6)))
                 for _ in range(4)]
        text = self.pick(words * 2 + noise, 1, 14, self.random.choice([" ", " ", " ", "", "  ", "\n"]))
        return self.random.choice([text, text, text.upper(), unicodedata.normalize("NFD", text),
                                   unicodedata.normalize("NFKD", text)])

    def vocabulary(self):
        return self.pick(self.words, 1, 12, self.random.choice(["", "", " "]))

    def latex(self):
        return self.pick(LATEX, 1, 12, self.random.choice(["", " ", " "]))

    def code(self):
        return self.pick(CODE + SPACES[:6], 1, 12)

    def emoji(self):
        return self.pick(EMOJI + [" ", "a", "1", "!"], 1, 10)

    def control(self):
        return self.pick(CONTROL + ["", " ", "\n", "x", "é", "\u0338"], 1, 8, self.random.choice(["", "", " "]))

    def spaces(self):
        runs = [s * self.random.choice([1, 1, 2, 3, 7, 40, 200]) for s in self.random.choices(SPACES, k=3)]
        return self.pick(SPACES + runs + ["a", "7", "!", "字", "\u0301"], 1, 14)

    def contractions(self):
        return self.pick(CONTRACTIONS + ["he", " it", " ", "x1", "é"], 1, 8)

    def numbers(self):
        return self.pick([" ", "12", "007", "3.14", "½", "Ⅷ", "²", "٣", "๓", "〇", "一", "①", "𝟘", "x", "-", ",", "\u0e31"], 1, 12)

    def any_plane(self):
        return "".join(map(chr, self.random.choices(CODE_POINTS, k=self.random.randint(1, 24))))

    def basic_plane(self):
        return "".join(chr(c) for c in (self.random.randrange(0x3000) for _ in range(self.random.randint(1, 24))))

    def composition(self):
        sources = [self.marks, self.composed, self.marks, list(range(0xAC00, 0xAC60)), list(range(0x41, 0x7B))]
        return "".join(chr(self.random.choice(self.random.choice(sources))) for _ in range(self.random.randint(2, 16)))

    def decomposed(self):
        text = LANGUAGES[self.random.choice(["vi", "ko", "ja", "ru", "de"])] + "".join(
            chr(self.random.choice(self.composed)) for _ in range(3))
        text = unicodedata.normalize("NFD", text)
        first = self.random.randrange(len(text))
        return text[first:first + self.random.randint(1, 40)]

    def mixture(self):
        return "".join(self.random.choice(self.kinds())() for _ in range(3))

    def kinds(self):
        return [self.language, self.vocabulary, self.latex, self.code, self.emoji, self.control, self.spaces,
                self.contractions, self.numbers, self.any_plane, self.basic_plane, self.composition, self.decomposed]

    def list(self, count):
        fixed = ["", " ", "\n", *LANGUAGES.values(), *CONTROL, *SPACES, *CONTRACTIONS, "a" * 20000, " " * 20000, "\n" * 5000,
                 "ab" * 3000, "ไ" * 3000, "!" * 5000 + "\r\n" * 50, "字" * 3000, "e\u0301" * 2000, "a" + "\u0316\u0301" * 500]
        kinds = self.kinds() + [self.language, self.language, self.mixture]
        return (fixed + [kinds[i % len(kinds)]() for i in range(count)])[:count]


def check_strings(program, checkpoint, count):
    reference = Qwen2Tokenizer.from_pretrained(checkpoint)
    backend = reference._tokenizer
    words = [w for w in (backend.decode([i]) for i in range(0, 151643, 7)) if "\ufffd" not in w]
    texts = Texts(20240901, words)
    inputs = texts.list(count)
    expected = reference(inputs, add_special_tokens=True)["input_ids"]
    wrong = compare("encode", inputs, expected, run(program, checkpoint, "encode", inputs))

    pick = texts.random
    partial = [i for i in range(151643) if "\ufffd" in backend.decode([i])]
    ids = [list(range(first, first + 500)) for first in range(0, 152000, 500)]
    for i in range(max(count // 5 - len(ids), 0)):
        source = [range(151657), range(151643, 152064), partial, range(256), [10**6, 2**31 - 1]]
        ids.append([pick.choice(pick.choice(source[:1] * 3 + source)) for _ in range(pick.randint(0, 20))]
                   if i % 3 else expected[pick.randrange(count)][:30])
    for mode, skip in (("decode", False), ("decode-skip", True)):
        expected_texts = [reference.decode(list(x), skip_special_tokens=skip) for x in ids]
        wrong += compare(mode, ids, expected_texts, run(program, checkpoint, mode, ids))
    return wrong


def check_characters(program, checkpoint):
    backend = Qwen2Tokenizer.from_pretrained(checkpoint)._tokenizer
    nfc, split = backend.normalizer.normalize_str, backend.pre_tokenizer.pre_tokenize_str
    blocks = [CODE_POINTS[i:i + 512] for i in range(0, len(CODE_POINTS), 512)]
    # Before and after a letter, a space, an apostrophe, a symbol and a break.
    inputs = ["".join(f"a{c}b {c}'{c}.{c}\n" for c in map(chr, block)) for block in blocks]
    inputs += ["".join(f"{c}{c}1'r{c}'l{c}'{c}e" for c in map(chr, block)) for block in blocks[:640]]
    expected = [[last - first for _, (first, last) in split(nfc(text))] for text in inputs]
    wrong = compare("pieces", inputs, expected, run(program, checkpoint, "pieces", inputs))

    # Alone, after a letter it may compose with, and between marks of other classes.
    inputs = [" ".join(map(chr, block)) for block in blocks]
    inputs += ["".join(f"a{c}\u0334\u0345 " for c in map(chr, block)) for block in blocks]
    inputs += ["".join(f"a\u0345{c}\u0301{c} " for c in map(chr, block)) for block in blocks]
    texts = Texts(7, [])
    inputs += [texts.composition() for _ in range(100000)]
    # All pairs that any edition of Unicode composes, and their parts swapped.
    pairs = [unicodedata.normalize("NFD", chr(c)) for c in texts.composed]
    inputs += pairs + [pair[::-1] for pair in pairs]
    expected = [nfc(text) for text in inputs]
    return wrong + compare("nfc", inputs, expected, run(program, checkpoint, "nfc", inputs))


def small_tokenizer(folder, rng):
    """A vocabulary with gaps in the byte alphabet and added tokens of all kinds."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = Qwen2Tokenizer()._tokenizer.pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = [letter for letter in pre_tokenizers.ByteLevel.alphabet() if letter not in ("z", "Ń")]
    trainer = trainers.BpeTrainer(vocab_size=480, initial_alphabet=sorted(alphabet), show_progress=False)
    tokenizer.train_from_iterator([" ".join(LANGUAGES.values())] * 2 + LATEX + CODE, trainer)
    flags = ["lstrip", "rstrip", "single_word", "normalized"]
    # Every other one is special. None of these is one that NFC changes: the reference forgets that such a token is special.
    contents = ["<eos>", "<image>", "<img", "<image><image>", "word", "\u1100\u1161", "é!", " x ", "Ġy", "e\u0301e", "[A]", "[B]"]
    for index, content in enumerate(contents):
        chosen = {flag: rng.random() < 0.4 for flag in flags}
        tokenizer.add_tokens([AddedToken(content, special=index % 2 == 0, **chosen)])
    tokenizer.save(str(folder / "tokenizer.json"))
    return contents


def check_small(program):
    wrong = 0
    rng = random.Random(3)
    for layout in range(6):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            contents = small_tokenizer(folder, rng)
            path = folder / "tokenizer.json"
            reference = Tokenizer.from_file(str(path))
            saved = json.loads(path.read_text())
            if layout % 3 == 0:
                saved["model"]["merges"] = [" ".join(pair) for pair in saved["model"]["merges"]]
                path.write_text(json.dumps(saved))
            elif layout % 3 == 1:
                path.unlink()
                head = "#version: 0.2\n" if layout == 1 else ""
                lines = "".join(" ".join(pair) + "\n" for pair in saved["model"]["merges"])
                (folder / "merges.txt").write_text(head + lines)
                (folder / "vocab.json").write_text(json.dumps(saved["model"]["vocab"]))
                decoder = {str(token.pop("id")): token for token in saved["added_tokens"]}
                (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder}))
            parts = contents * 2 + ["e\u0301", "e", "wor", "z", "y", "!", " ", "  ", "\n", "\t", "\u3000", "_", "1", "é", "^",
                                    "\u0301", "字", "\\frac", "Straße", "<", "<ima", "[", "\u200d", "½"]
            inputs = ["".join(rng.choices(parts, k=rng.randint(1, 9))) for _ in range(4000)]
            expected = [e.ids for e in reference.encode_batch(inputs)]
            wrong += compare(f"small encode {layout}", inputs, expected, run(program, name, "encode", inputs))
            ids = [rng.choices(range(500), k=rng.randint(0, 12)) for _ in range(2000)]
            for mode, skip in (("decode", False), ("decode-skip", True)):
                expected = [reference.decode(x, skip_special_tokens=skip) for x in ids]
                wrong += compare(f"small {mode} {layout}", ids, expected, run(program, name, mode, ids))
    return wrong


def main():
    program, checkpoint, part = sys.argv[1:4]
    if part == "strings":
        wrong = check_strings(program, checkpoint, int(sys.argv[4]) if len(sys.argv) > 4 else 100000)
    elif part == "characters":
        wrong = check_characters(program, checkpoint)
    else:
        wrong = check_small(program)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
