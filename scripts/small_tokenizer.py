"""Tokenizer files of a checkpoint: copied from a folder, or trained small.

A small one has the pipeline of Qwen2's (control tokens split off the raw text,
NFC, the Qwen split pattern, byte-level BPE) with its own vocabulary: the 256
bytes, the merges, then the control tokens.
"""

import json
import pathlib
import shutil

from tokenizers import Regex, Tokenizer, models, normalizers
from tokenizers import pre_tokenizers, trainers

# In the order of their ids.
CONTROL_TOKENS = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>",
    "<|object_ref_end|>", "<|box_start|>", "<|box_end|>", "<|quad_start|>",
    "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]

SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# Renders what the prompt contract says: a system message if none is given, the
# content items in order, an image as its three control tokens.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for item in message['content'] %}"
    "{% if item['type'] == 'image' or 'image' in item or 'image_url' in item %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif item['type'] == 'video' or 'video' in item %}"
    "<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in item %}{{ item['text'] }}"
    "{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n",
                    encoding="utf-8")


def train(lines, base_size):
    """(vocab, merges) of a byte-level BPE with at most `base_size` tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    trainer = trainers.BpeTrainer(
        vocab_size=base_size, show_progress=False, min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(lines, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    return model["vocab"], merges


def write_small(folder, lines, base_size):
    """Trains on `lines` and writes the files; returns control token -> id."""
    folder = pathlib.Path(folder)
    vocab, merges = train(lines, base_size)
    control = {t: len(vocab) + i for i, t in enumerate(CONTROL_TOKENS)}
    _write_tokenizer_json(folder, vocab, merges, control)
    _write_json(folder / "vocab.json", vocab)
    (folder / "merges.txt").write_text("\n".join(merges) + "\n",
                                       encoding="utf-8")
    _write_side_files(folder, control)
    return control


def copy(source, folder):
    """Copies the tokenizer files of `source`; returns control token -> id.

    A tokenizer.json that is not there is made from vocab.json, merges.txt and
    the ids in tokenizer_config.json.
    """
    source, folder = pathlib.Path(source), pathlib.Path(folder)
    for name in ("tokenizer.json", "vocab.json", "merges.txt"):
        if (source / name).exists() and source.resolve() != folder.resolve():
            shutil.copyfile(source / name, folder / name)
    if (source / "tokenizer.json").exists():
        tokens = json.loads((source / "tokenizer.json").read_text("utf-8"))
        ids = {t["content"]: t["id"] for t in tokens["added_tokens"]}
    else:
        config = json.loads((source / "tokenizer_config.json").read_text())
        ids = {t["content"]: int(i) for i, t in
               config["added_tokens_decoder"].items()}
    control = {t: ids[t] for t in CONTROL_TOKENS}
    if not (source / "tokenizer.json").exists():
        merges = (source / "merges.txt").read_text("utf-8").splitlines()
        if merges[0].startswith("#version"):
            merges = merges[1:]
        vocab = json.loads((source / "vocab.json").read_text("utf-8"))
        _write_tokenizer_json(folder, vocab, merges, control)
    _write_side_files(folder, control)
    return control


def _write_tokenizer_json(folder, vocab, merges, control):
    byte_level = {"type": "ByteLevel", "add_prefix_space": False,
                  "trim_offsets": False, "use_regex": False}
    flags = {"single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
    _write_json(folder / "tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": t, **flags}
                         for t, i in control.items()],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": SPLIT_PATTERN},
             "behavior": "Isolated", "invert": False}, byte_level]},
        "post_processor": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": "", "end_of_word_suffix": "",
                  "fuse_unk": False, "byte_fallback": False, "vocab": vocab,
                  "merges": merges},
    })


def _write_side_files(folder, control):
    decoder = {str(i): {"content": t, "lstrip": False, "normalized": False,
                        "rstrip": False, "single_word": False, "special": True}
               for t, i in control.items()}
    _write_json(folder / "tokenizer_config.json", {
        "add_prefix_space": False, "added_tokens_decoder": decoder,
        "additional_special_tokens": CONTROL_TOKENS[1:], "bos_token": None,
        "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>",
        "errors": "replace", "model_max_length": 32768,
        "pad_token": "<|endoftext|>", "padding_side": "left",
        "split_special_tokens": False, "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None, "chat_template": CHAT_TEMPLATE,
    })
    _write_json(folder / "chat_template.json",
                {"chat_template": CHAT_TEMPLATE})
