"""Writes a Qwen2-VL or Qwen2.5-VL checkpoint with seeded random weights.

The files are those of a published checkpoint (config.json, safetensors,
tokenizer, preprocessor and generation config), so whatever reads one reads the
other. Tensors are made and written one by one: memory stays at the size of the
largest tensor in float32 (2b: 0.9 GiB, 7b: 2.1 GiB). The same options give the
same bytes.

    make_random_checkpoint.py OUT --preset 2b --tokenizer DIR
    make_random_checkpoint.py OUT --preset 2.5-3b --tokenizer DIR
    make_random_checkpoint.py OUT --hidden 64 --layers 4 --heads 4 --kv-heads 2
"""

import argparse
import dataclasses
import hashlib
import json
import math
import pathlib
import struct
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import sample_text  # noqa: E402
import small_tokenizer  # noqa: E402

# Of vision_config, in the order of the file: what a missing key means.
PATCH_DEFAULTS = {"in_channels": 3, "patch_size": 14, "spatial_merge_size": 2,
                  "temporal_patch_size": 2}
VISION_DEFAULTS = {
    "qwen2_vl": {"depth": 32, "embed_dim": 1280, "num_heads": 16,
                 "hidden_size": 3584, "hidden_act": "quick_gelu",
                 "mlp_ratio": 4} | PATCH_DEFAULTS,
    "qwen2_5_vl": {"depth": 32, "hidden_act": "silu", "hidden_size": 3584,
                   "intermediate_size": 3420, "num_heads": 16,
                   "out_hidden_size": 3584, "window_size": 112,
                   "fullatt_block_indexes": [7, 15, 23, 31],
                   "tokens_per_second": 4} | PATCH_DEFAULTS,
}
# The beginning of transformers' names.
CLASSES = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL"}
DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
BLOCK_VALUES = 1 << 22
HEAD_TENSORS = ("model.embed_tokens.weight", "lm_head.weight")
DTYPE_CODES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}


@dataclasses.dataclass(frozen=True)
class Options:
    """Everything that decides the bytes of the checkpoint."""

    family: str = "qwen2_vl"
    hidden: int = 64
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    intermediate: int = 160
    vocab: int = 0  # rows of the embedding; 0: tokens of the tokenizer + 8
    tied: bool = False
    vision_depth: int = 2
    vision_dim: int = 32
    vision_heads: int = 2
    # Of qwen2_5_vl alone: units of the tower's MLP, pixels a side of a window,
    # and the blocks that see the whole image, with commas between.
    vision_intermediate: int = 84
    window: int = 112
    full_blocks: str = "1"
    dtype: str = "float32"
    layout: str = "flat"  # flat (<= 4.51), nested (4.52-4.57), v5
    prefix: str = "official"  # or "memory"
    minimal_vision_config: bool = False
    shard_bytes: int = 0  # 0: a single file
    gain: float = 1.0  # of the layers' matrices, over 1 / sqrt(fan in)
    attention_gain: float = 1.5  # of queries and keys: > 1 attends sharply
    head_gain: float = 3.5  # about the standard deviation of the logits
    spread: float = 0.8  # of the log of a channel's scale, per tensor
    # How the layers' writes shift, first to last, from the channels the head
    # reads weakly to those it reads strongly: > 0 lets the entropy fall.
    trend: float = 0.0
    growth: float = 1.0  # of the layers' writes, last over first
    eos_gain: float = 1.0  # of the end token's head row: > 1 ends answers
    seed: int = 1
    min_pixels: int = 3136
    max_pixels: int = 12845056
    tokenizer: str = ""  # folder to copy from; "": train a small one
    base_tokens: int = 586  # of a small tokenizer, without control tokens


PRESETS = {
    "2b": dict(hidden=1536, layers=28, heads=12, kv_heads=2, intermediate=8960,
               vocab=151936, tied=True),
    "7b": dict(hidden=3584, layers=28, heads=28, kv_heads=4,
               intermediate=18944, vocab=152064, tied=False),
    "2.5-3b": dict(hidden=2048, layers=36, heads=16, kv_heads=2,
                   intermediate=11008, vocab=151936, tied=True),
    "2.5-7b": dict(hidden=3584, layers=28, heads=28, kv_heads=4,
                   intermediate=18944, vocab=152064, tied=False),
    "2.5-32b": dict(hidden=5120, layers=64, heads=40, kv_heads=8,
                    intermediate=27648, vocab=152064, tied=False,
                    vision_intermediate=3456),
    "2.5-72b": dict(hidden=8192, layers=80, heads=64, kv_heads=8,
                    intermediate=29568, vocab=152064, tied=False,
                    vision_intermediate=3456),
}
PRESET_COMMON = dict(vision_depth=32, vision_dim=1280, vision_heads=16,
                     dtype="bfloat16", minimal_vision_config=True,
                     shard_bytes=4_000_000_000)
PRESET_FAMILIES = {"2.5-": dict(family="qwen2_5_vl", vision_intermediate=3420,
                                full_blocks="7,15,23,31")}


def preset_options(preset):
    """What a preset sets, by the names of Options."""
    family = {k: v for start, given in PRESET_FAMILIES.items()
              if preset.startswith(start) for k, v in given.items()}
    return PRESET_COMMON | family | PRESETS[preset]


def tensor_shapes(o):
    """Official tensor name -> shape, in file order."""
    shapes = {}
    v, units = o.vision_dim, o.vision_intermediate
    mlp = {"qwen2_vl": (("mlp.fc1", (4 * v, v)), ("mlp.fc2", (v, 4 * v))),
           "qwen2_5_vl": (("mlp.gate_proj", (units, v)),
                          ("mlp.up_proj", (units, v)),
                          ("mlp.down_proj", (v, units)))}[o.family]

    def add(name, shape):
        shapes[name + ".weight"] = shape
        # Qwen2.5-VL's norms have none.
        if o.family == "qwen2_vl" or len(shape) > 1:
            shapes[name + ".bias"] = shape[:1]

    shapes["visual.patch_embed.proj.weight"] = (v, 3, 2, 14, 14)
    for i in range(o.vision_depth):
        block = f"visual.blocks.{i}."
        for name, shape in (("norm1", (v,)), ("norm2", (v,)),
                            ("attn.qkv", (3 * v, v)), ("attn.proj", (v, v)),
                            *mlp):
            add(block + name, shape)
    for name, shape in (("ln_q", (v,)), ("mlp.0", (4 * v, 4 * v)),
                        ("mlp.2", (o.hidden, 4 * v))):
        add(f"visual.merger.{name}", shape)
    h = o.hidden
    kv = h // o.heads * o.kv_heads
    shapes["model.embed_tokens.weight"] = (o.vocab, h)
    for i in range(o.layers):
        layer = f"model.layers.{i}."
        shapes[layer + "input_layernorm.weight"] = (h,)
        shapes[layer + "post_attention_layernorm.weight"] = (h,)
        for name, rows in (("q_proj", h), ("k_proj", kv), ("v_proj", kv)):
            shapes[layer + f"self_attn.{name}.weight"] = (rows, h)
            shapes[layer + f"self_attn.{name}.bias"] = (rows,)
        shapes[layer + "self_attn.o_proj.weight"] = (h, h)
        shapes[layer + "mlp.gate_proj.weight"] = (o.intermediate, h)
        shapes[layer + "mlp.up_proj.weight"] = (o.intermediate, h)
        shapes[layer + "mlp.down_proj.weight"] = (h, o.intermediate)
    shapes["model.norm.weight"] = (h,)
    if not o.tied:
        shapes["lm_head.weight"] = (o.vocab, h)
    return shapes


def stored_name(official, prefix):
    """The name a tensor has on disk under `prefix`."""
    if prefix == "official" or official.startswith("lm_head"):
        return official
    if official.startswith("visual."):
        return "model." + official
    return "model.language_model." + official.removeprefix("model.")


def _generator(seed, name):
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16)
    return np.random.Generator(
        np.random.Philox(key=int.from_bytes(digest.digest(), "little")))


def head_columns(o):
    """Scale of each channel in the head, of mean square 1."""
    columns = np.exp(o.spread * _generator(o.seed, "columns")
                     .standard_normal(o.hidden)).astype(np.float32)
    return columns / np.sqrt(np.mean(columns ** 2))


@dataclasses.dataclass(frozen=True)
class Scales:
    """What standard normal values of a tensor are multiplied with."""

    values: float = 1.0  # all of them
    around: float = 0.0  # added last
    columns: np.ndarray | None = None  # float32, each column
    row_spread: float = 0.0  # of the log of a random scale of each row
    rows: np.ndarray | None = None  # float32, each row


def tensor_scales(o, name, shape):
    """Rows that write to the residual stream and columns of the head carry
    log-normal scales of their own, which differ by tensor: so the share of the
    stream that the head sees strongly, and with it the entropy, changes from
    layer to layer.
    """
    if name.endswith(".bias"):
        return Scales(0.2)
    if len(shape) == 1:  # a norm
        return Scales(0.15, around=1.0)
    fan_in = math.prod(shape[1:])
    if name in HEAD_TENSORS:
        columns = head_columns(o)
        if reads_head(o, name):
            return Scales(o.head_gain / math.sqrt(fan_in), columns=columns)
        return Scales(columns=columns ** np.float32(1 - 2 * o.trend))
    gain = o.gain
    if name.endswith(("q_proj.weight", "k_proj.weight")):
        gain *= o.attention_gain
    gain /= math.sqrt(fan_in)
    if name.startswith("visual.") or not name.endswith(
            ("o_proj.weight", "down_proj.weight")):
        return Scales(gain)
    rows = None
    if name.startswith("model.layers."):
        depth = int(name.split(".")[2]) / max(1, o.layers - 1)  # 0 .. 1
        power = o.trend * (2 * depth - 1)
        rows = (head_columns(o) ** np.float32(power)
                * np.float32(o.growth ** depth))
    return Scales(gain, row_spread=o.spread, rows=rows)


def reads_head(o, name):
    """Whether the rows of the tensor make logits."""
    return name == "lm_head.weight" or (o.tied and name in HEAD_TENSORS)


def make_tensor(o, name, shape, end_ids):
    """float32 values of one tensor, a function of the options and its name."""
    rng = _generator(o.seed, name)
    scales = tensor_scales(o, name, shape)
    values = rng.standard_normal(shape, dtype=np.float32)
    if scales.columns is None:
        values *= np.float32(scales.values)
    else:
        values *= scales.columns * np.float32(scales.values)
    if scales.row_spread:
        rows = np.exp(scales.row_spread * rng.standard_normal((shape[0], 1)))
        values *= rows.astype(np.float32)
    if scales.rows is not None:
        values *= scales.rows[:, None]
    if scales.around:
        values += np.float32(scales.around)
    if reads_head(o, name):
        values[end_ids] *= np.float32(o.eos_gain)
    return values


def to_bytes(values, dtype):
    """Little-endian bytes; bfloat16 rounds to nearest, ties to even."""
    if dtype == "float32":
        return values.astype("<f4").tobytes()
    if dtype == "float16":
        return values.astype("<f2").tobytes()
    bits = np.ascontiguousarray(values, dtype="<f4").view("<u4")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded.astype("<u2").tobytes()


def write_tensor(out, values, dtype):
    """Writes a tensor a block at a time: rounding needs temporaries."""
    flat = values.reshape(-1)
    for begin in range(0, flat.size, BLOCK_VALUES):
        out.write(to_bytes(flat[begin:begin + BLOCK_VALUES], dtype))


def _shards(o, shapes):
    """Lists of names, each list one file of at most shard_bytes."""
    shards, size = [[]], 0
    for name, shape in shapes.items():
        n = math.prod(shape) * DTYPE_BYTES[o.dtype]
        if o.shard_bytes and shards[-1] and size + n > o.shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(name)
        size += n
    return shards


def _write_weights(folder, o, end_ids):
    shapes = tensor_shapes(o)
    shards = _shards(o, shapes)
    weight_map, total = {}, 0
    for k, names in enumerate(shards):
        file = ("model.safetensors" if len(shards) == 1 else
                f"model-{k + 1:05d}-of-{len(shards):05d}.safetensors")
        header, offset = {"__metadata__": {"format": "pt"}}, 0
        for name in names:
            size = math.prod(shapes[name]) * DTYPE_BYTES[o.dtype]
            header[stored_name(name, o.prefix)] = {
                "dtype": DTYPE_CODES[o.dtype], "shape": list(shapes[name]),
                "data_offsets": [offset, offset + size]}
            weight_map[stored_name(name, o.prefix)] = file
            offset += size
        total += offset
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(folder / file, "wb") as out:
            out.write(struct.pack("<Q", len(text)) + text)
            for name in names:
                write_tensor(out, make_tensor(o, name, shapes[name], end_ids),
                             o.dtype)
    if len(shards) > 1:
        _write_json(folder / "model.safetensors.index.json",
                    {"metadata": {"total_size": total},
                     "weight_map": weight_map})


def _vision_config(o):
    own = {"qwen2_vl": {"embed_dim": o.vision_dim, "hidden_size": o.hidden,
                        "mlp_ratio": 4},
           "qwen2_5_vl": {
               "hidden_size": o.vision_dim, "out_hidden_size": o.hidden,
               "intermediate_size": o.vision_intermediate,
               "window_size": o.window, "tokens_per_second": 2,
               "fullatt_block_indexes": [
                   int(i) for i in o.full_blocks.split(",") if i]}}[o.family]
    given = {"depth": o.vision_depth, "num_heads": o.vision_heads} | own
    defaults = VISION_DEFAULTS[o.family]
    vision = {key: given.get(key, value) for key, value in defaults.items()}
    if o.minimal_vision_config:
        vision = {k: v for k, v in vision.items() if v != defaults[k]}
        vision |= {"in_chans": 3, "spatial_patch_size": 14}
    return vision


def _config(o, control):
    """config.json in one of its three layouts."""
    half = o.hidden // o.heads // 2
    time = max(1, half // 4)
    rows = (half - time) // 2
    sections = [time, rows, half - time - rows]
    text = {
        "attention_dropout": 0.0, "bos_token_id": control["<|endoftext|>"],
        "eos_token_id": control["<|im_end|>"], "hidden_act": "silu",
        "hidden_size": o.hidden, "initializer_range": 0.02,
        "intermediate_size": o.intermediate,
        "max_position_embeddings": 32768 if o.family == "qwen2_vl" else 128000,
        "max_window_layers": o.layers, "num_attention_heads": o.heads,
        "num_hidden_layers": o.layers, "num_key_value_heads": o.kv_heads,
        "rms_norm_eps": 1e-06, "sliding_window": 32768, "use_cache": True,
        "use_sliding_window": False, "vocab_size": o.vocab,
    }
    old_rope = {"rope_theta": 1000000.0,
                "rope_scaling": {"type": "mrope", "mrope_section": sections}}
    vision = _vision_config(o)
    top = {
        "architectures": [CLASSES[o.family] + "ForConditionalGeneration"],
        "model_type": o.family, "image_token_id": control["<|image_pad|>"],
        "video_token_id": control["<|video_pad|>"],
        "vision_start_token_id": control["<|vision_start|>"],
        "vision_end_token_id": control["<|vision_end|>"],
        "vision_token_id": control["<|vision_pad|>"],
    }
    if o.layout == "flat":
        return top | text | old_rope | {
            "tie_word_embeddings": o.tied, "torch_dtype": o.dtype,
            "transformers_version": "4.41.2",
            "vision_config": vision | {"model_type": o.family}}
    if o.layout == "nested":
        both = {"type": "default", "rope_type": "default",
                "mrope_section": sections}
        old_rope["rope_scaling"] = both
        inner = text | old_rope | {
            "model_type": o.family + "_text", "tie_word_embeddings": o.tied,
            "torch_dtype": o.dtype, "image_token_id": None,
            "layer_types": ["full_attention"] * o.layers}
        return top | text | old_rope | {
            "torch_dtype": o.dtype, "transformers_version": "4.57.0",
            "tie_word_embeddings": o.tied, "text_config": inner,
            "vision_config": vision | {"model_type": o.family}}
    inner = text | {
        "model_type": o.family + "_text", "dtype": o.dtype,
        "sliding_window": None,
        "layer_types": ["full_attention"] * o.layers,
        "rope_parameters": {"mrope_section": sections,
                            "rope_theta": 1000000.0, "rope_type": "default"}}
    return top | {
        "dtype": o.dtype, "tie_word_embeddings": o.tied,
        "text_config": inner, "transformers_version": "5.17.0",
        "vision_config": vision | {
            "model_type": o.family + "_vision",
            "rope_parameters": {"rope_theta": 10000.0,
                                "rope_type": "axial"}}}


def _write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_side_files(folder, o, corpus=None):
    """Writes all but the weights; returns (options with the vocabulary set,
    end ids).

    `corpus` (lines) is what a small tokenizer is trained on.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if o.tokenizer:
        control = small_tokenizer.copy(o.tokenizer, folder)
    else:
        control = small_tokenizer.write_small(
            folder, corpus or sample_text.corpus(), o.base_tokens)
    tokens = max(control.values()) + 1
    o = dataclasses.replace(o, vocab=o.vocab or tokens + 8)
    if o.vocab < tokens:
        raise SystemExit(f"vocabulary of {o.vocab} rows is too small (the "
                         f"tokenizer has {tokens} tokens); raise --vocab")
    if o.hidden % o.heads or o.heads % o.kv_heads or (o.hidden // o.heads) % 2:
        raise SystemExit("head counts do not fit (hidden / heads must be even, "
                         "heads a multiple of kv heads); change them")
    if o.vision_dim % o.vision_heads or o.vision_dim // o.vision_heads % 4:
        raise SystemExit("vision heads do not fit (their size must be a "
                         "multiple of 4); change them")
    end_ids = [control["<|im_end|>"], control["<|endoftext|>"]]
    _write_json(folder / "config.json", _config(o, control))
    _write_json(folder / "generation_config.json", {
        "bos_token_id": end_ids[1], "pad_token_id": end_ids[1],
        "do_sample": True, "eos_token_id": end_ids,
        "repetition_penalty": 1.05, "temperature": 0.1, "top_k": 1,
        "top_p": 0.001, "transformers_version": "4.41.2"})
    _write_json(folder / "preprocessor_config.json", {
        "min_pixels": o.min_pixels, "max_pixels": o.max_pixels,
        "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": CLASSES[o.family] + "Processor"})
    return o, end_ids


def write_checkpoint(folder, o, corpus=None):
    """Writes the whole folder; returns the options with the vocabulary set."""
    o, end_ids = write_side_files(folder, o, corpus)
    _write_weights(pathlib.Path(folder), o, end_ids)
    return o


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--preset", choices=sorted(PRESETS))
    choices = {"family": list(CLASSES), "dtype": list(DTYPE_BYTES), "prefix": ["official", "memory"],
               "layout": ["flat", "nested", "v5"]}
    for field in dataclasses.fields(Options):
        flag = "--" + field.name.replace("_", "-")
        if field.type is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction)
        else:
            parser.add_argument(flag, type=field.type,
                                choices=choices.get(field.name))
    given = {k: v for k, v in vars(parser.parse_args()).items()
             if v is not None}
    out, preset = given.pop("out"), given.pop("preset", None)
    base = preset_options(preset) if preset else {}
    o = write_checkpoint(out, Options(**(base | given)))
    count = sum(math.prod(s) for s in tensor_shapes(o).values())
    print(f"{out}: {count:,} parameters, {o.dtype}, {o.vocab:,} rows")


if __name__ == "__main__":
    main()
