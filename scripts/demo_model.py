"""The demo's Qwen2-VL: its sizes, its inputs, and what is measured of it."""

import dataclasses
import json
import math
import pathlib
import shutil

import numpy
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import DynamicCache, Qwen2VLForConditionalGeneration
from transformers.models.qwen2_vl import Qwen2VLImageProcessor

import demo_samples
import make_random_checkpoint as checkpoints

OPTIONS = checkpoints.Options(
    hidden=128, layers=12, heads=4, kv_heads=2, intermediate=256,
    vision_depth=3, vision_dim=96, vision_heads=4, dtype="bfloat16",
    base_tokens=1500, max_pixels=1003520)
BEFORE = ("<|im_start|>system\n" + demo_samples.SYSTEM + "<|im_end|>\n"
          "<|im_start|>user\n<|vision_start|>")
IMAGE = "<|image_pad|>"
AFTER = "<|im_end|>\n<|im_start|>assistant\n"
END = "<|im_end|>"


def write_start(folder, lines, seed):
    """A folder with a tokenizer trained on `lines` and random weights that are
    fit for training."""
    options = dataclasses.replace(OPTIONS, seed=seed)
    checkpoints.write_checkpoint(folder, options,
                                 50 * [BEFORE.replace("<|", " ")] + lines)
    model = load(folder)
    initialise(model, seed)
    save(model, folder, folder, torch.float32)


def initialise(model, seed):
    torch.manual_seed(seed)
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.zeros_(p)
        elif p.dim() == 1:
            torch.nn.init.ones_(p)
        elif "embed_tokens" in name or "lm_head" in name:
            torch.nn.init.normal_(p, std=0.03)
        else:
            std = 1 / math.sqrt(p[0].numel())
            if "patch_embed" in name:
                std *= 3  # ink covers little of a patch
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                std /= math.sqrt(2 * OPTIONS.layers)
            torch.nn.init.normal_(p, std=std)
    filters = patch_filters(model)
    set_flat_part(filters, torch.randn_like(flat_part(filters)) * 5e-4)


def patch_filters(model):
    return model.model.visual.patch_embed.proj.weight  # [out, 3, 2, 14, 14]


def flat_part(filters):
    """Each filter's answer to a flat colour, over the number of pixels."""
    return filters.detach().mean((2, 3, 4), keepdim=True)


@torch.no_grad()
def set_flat_part(filters, flat):
    """Most patches are paper, alike in all pixels: left alone, the steps of
    training make the answer to paper so great that ink is lost in it."""
    filters += flat - flat_part(filters)


def load(folder):
    """The model in float32, as transformers loads it."""
    return Qwen2VLForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa")


def official(name):
    """The name a published checkpoint gives a tensor."""
    return name.replace("model.language_model.", "model.").replace(
        "model.visual.", "visual.")


def save(model, source, folder, dtype=torch.bfloat16):
    """Writes the weights to `folder`, with the other files of `source`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for file in pathlib.Path(source).iterdir():
        if file.name != "model.safetensors" and file.parent != folder:
            shutil.copyfile(file, folder / file.name)
    tensors = {official(n): p.detach().to(dtype).contiguous()
               for n, p in model.named_parameters()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


@dataclasses.dataclass
class Example:
    """One sample as the model takes it."""

    dataset: str
    language: str
    prompt: numpy.ndarray  # token ids, image tokens included
    answer: numpy.ndarray  # token ids without the end
    positions: numpy.ndarray  # [3, prompt + answer]
    patches: numpy.ndarray  # uint8 [patches, 3 * 14 * 14], shared
    grid: tuple

    @property
    def length(self):
        return len(self.prompt) + len(self.answer)


class Encoder:
    """Samples -> examples, with a folder's tokenizer and image settings."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        settings = json.loads((folder / "preprocessor_config.json").read_text())
        self.mean = numpy.array(settings["image_mean"], numpy.float32)
        self.std = numpy.array(settings["image_std"], numpy.float32)
        self.processor = Qwen2VLImageProcessor(
            min_pixels=settings["min_pixels"], max_pixels=settings["max_pixels"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.end = self.tokenizer.token_to_id(END)
        self.image = self.tokenizer.token_to_id(IMAGE)

    def ids(self, text):
        return self.tokenizer.encode(text).ids

    def picture(self, pixels):
        """(patches, grid). Both frames of a picture are alike: one is kept, as
        the bytes that the processor normalises."""
        made = self.processor(
            images=[torch.from_numpy(pixels.copy()).permute(2, 0, 1)],
            return_tensors="pt")
        values = made["pixel_values"].numpy().reshape(-1, 3, 2, 196)[:, :, 0]
        values = (values * self.std[:, None] + self.mean[:, None]) * 255
        return (numpy.rint(values).astype(numpy.uint8),
                tuple(made["image_grid_thw"][0].tolist()))

    def encode(self, sample, picture):
        patches, grid = picture
        tokens = grid[1] * grid[2] // 4
        prompt = self.ids(BEFORE + IMAGE + "<|vision_end|>" + sample.prompt + AFTER)
        at = prompt.index(self.image)
        prompt[at:at + 1] = [self.image] * tokens
        answer = self.ids(sample.answer)
        return Example(sample.dataset, sample.language, numpy.array(prompt),
                       numpy.array(answer),
                       rope_positions(at, grid, len(prompt) + len(answer)),
                       patches, grid)

    def encode_all(self, samples, pictures):
        ready = [self.picture(pixels) for pixels in pictures]
        return [self.encode(s, ready[s.picture]) for s in samples]


def rope_positions(at, grid, length):
    """[3, length]: time, row and column of a text with one picture at `at`."""
    rows, columns = grid[1] // 2, grid[2] // 2
    after = at + rows * columns
    positions = numpy.tile(numpy.arange(length), (3, 1))
    positions[0, at:after] = at
    positions[1, at:after] = at + numpy.repeat(numpy.arange(rows), columns)
    positions[2, at:after] = at + numpy.tile(numpy.arange(columns), rows)
    positions[:, after:] += max(rows, columns) - rows * columns
    return positions


MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None] * 255
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None] * 255


def inputs(batch):
    """What the model takes, padded at the end: no token sees the padding."""
    length = max(e.length for e in batch)
    ids = torch.zeros(len(batch), length, dtype=torch.long)
    positions = torch.zeros(3, len(batch), length, dtype=torch.long)
    for i, e in enumerate(batch):
        ids[i, :e.length] = torch.from_numpy(
            numpy.concatenate([e.prompt, e.answer]))
        positions[:, i, :e.length] = torch.from_numpy(e.positions)
    frames = torch.from_numpy(numpy.concatenate([e.patches for e in batch]))
    frames = (frames.float() - MEAN) / STD  # [patches, 3, 196]
    values = frames[:, :, None].expand(-1, -1, 2, -1).reshape(len(frames), -1)
    return {"input_ids": ids, "position_ids": positions, "pixel_values": values,
            "image_grid_thw": torch.tensor([e.grid for e in batch])}


def answer_places(batch):
    """(sample, position) of what predicts the answer's tokens and the end."""
    return [(i, len(e.prompt) - 1 + k) for i, e in enumerate(batch)
            for k in range(len(e.answer) + 1)]


def hidden_states(model, given):
    """[samples, length, hidden] after the last norm."""
    return model.model(**given, use_cache=False)[0]


def hidden_states_sharing(model, given):
    """The same for less work: all samples begin with the same tokens, which go
    through the layers once. Their places in the result are empty."""
    image = model.config.image_token_id
    text = model.model.language_model
    ids, positions = given["input_ids"], given["position_ids"]
    shared = int((ids[0] == image).nonzero()[0])
    embedded = text.embed_tokens(ids)
    features = model.model.visual(given["pixel_values"],
                                  grid_thw=given["image_grid_thw"]).pooler_output
    embedded = embedded.masked_scatter((ids == image)[..., None], features)
    past = DynamicCache()
    text(inputs_embeds=embedded[:1, :shared], position_ids=positions[:, :1, :shared],
         past_key_values=past, use_cache=True)
    for layer in past.layers:
        layer.keys = layer.keys.expand(len(ids), -1, -1, -1)
        layer.values = layer.values.expand(len(ids), -1, -1, -1)
    rest = text(inputs_embeds=embedded[:, shared:],
                position_ids=positions[:, :, shared:],
                past_key_values=past, use_cache=True)[0]
    return functional.pad(rest, (0, 0, shared, 0))


def answer_logits(model, batch, end=None):
    """Logits [tokens, vocabulary] and targets of all answers and their ends."""
    sample, place = map(torch.tensor, zip(*answer_places(batch)))
    hidden = (hidden_states_sharing if torch.is_grad_enabled() else
              hidden_states)(model, inputs(batch))
    end = model.config.text_config.eos_token_id if end is None else end
    targets = [t for e in batch for t in [*e.answer, end]]
    return model.lm_head(hidden[sample, place]), torch.tensor(targets)


def parts(examples, size=32):
    """Examples in batches of alike lengths, each with its indices."""
    order = sorted(range(len(examples)), key=lambda i: examples[i].length)
    for begin in range(0, len(order), size):
        yield order[begin:begin + size]


def shares(examples, right, total):
    """Sums right / total by data set and language."""
    sums = {}
    for e, r, t in zip(examples, right, total):
        for name in [e.dataset] + ([f"mtvqa {e.language}"] if e.language else []):
            one = sums.setdefault(name, [0, 0])
            one[0] += r
            one[1] += t
        every = sums.setdefault("all", [0, 0])
        every[0] += r
        every[1] += t
    return {name: round(r / t, 4) for name, (r, t) in sorted(sums.items())}


@torch.no_grad()
def token_accuracy(model, examples):
    """Share of answer tokens, ends not counted, that lead when the tokens
    before them are given."""
    model.eval()
    right = [0] * len(examples)
    for part in parts(examples):
        batch = [examples[i] for i in part]
        logits, targets = answer_logits(model, batch)
        hits = (logits.argmax(-1) == targets).tolist()
        for i, e in zip(part, batch):
            right[i] = sum(hits[:len(e.answer)])
            del hits[:len(e.answer) + 1]
    return shares(examples, right, [len(e.answer) for e in examples])


@torch.no_grad()
def exact_match(model, examples, encoder, most=40):
    """Share of greedy answers that equal the reference, end included."""
    model.eval()
    right = [0] * len(examples)
    for part in parts(examples):
        batch = [dataclasses.replace(examples[i], answer=numpy.zeros(0, int))
                 for i in part]
        batch = [dataclasses.replace(e, positions=e.positions[:, :len(e.prompt)])
                 for e in batch]
        said, open_ = [[] for _ in batch], set(range(len(batch)))
        for _ in range(most):
            last = [(i, e.length - 1) for i, e in enumerate(batch)]
            sample, place = map(torch.tensor, zip(*last))
            hidden = model.model(**inputs(batch), use_cache=False)[0]
            ids = model.lm_head(hidden[sample, place]).argmax(-1).tolist()
            for i, token in enumerate(ids):
                if i in open_ and token == encoder.end:
                    open_.discard(i)
                elif i in open_:
                    said[i].append(token)
            if not open_:
                break
            batch = [dataclasses.replace(
                e, answer=numpy.append(e.answer, t), positions=numpy.concatenate(
                    [e.positions, e.positions[:, -1:] + 1], 1))
                for e, t in zip(batch, ids)]
        for k, i in enumerate(part):
            right[i] = int(k not in open_
                           and said[k] == examples[i].answer.tolist())
    return shares(examples, right, [1] * len(examples))


@torch.no_grad()
def entropy_by_state(model, examples):
    """Mean entropy (nats) of the next token read from each state, over all
    answer tokens given those before: embeddings first, last layer last."""
    model.eval()
    sums, count = 0, 0
    norm, head = model.model.language_model.norm, model.lm_head
    for part in parts(examples):
        batch = [examples[i] for i in part]
        places = [(i, p) for i, e in enumerate(batch) for p in
                  range(len(e.prompt) - 1, len(e.prompt) + len(e.answer) - 1)]
        sample, place = map(torch.tensor, zip(*places))
        states = model.model(**inputs(batch), use_cache=False,
                             output_hidden_states=True).hidden_states
        values = []
        for k, state in enumerate(states):
            rows = state[sample, place]
            rows = head(rows if k == len(states) - 1 else norm(rows))
            logs = rows.log_softmax(-1)
            values.append(-(logs.exp() * logs).sum(-1).sum().item())
        sums = sums + numpy.array(values)
        count += len(places)
    return [round(v, 3) for v in sums / count]
