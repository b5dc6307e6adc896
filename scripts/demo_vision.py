"""First part of the training: the vision tower alone learns to see symbols.

A temporary linear head names, for every image token, the answer tokens that
stand there; only which ones stand anywhere in the picture is told (the greatest
score of each over the image tokens). Without this the language model learns to
guess well without looking, and stays there.
"""

import time

import numpy
import torch
from torch.nn import functional

import demo_model

HALF_BATCH = 16
ORDER_SEED = 1  # of the pictures' order


def with_answers(examples):
    """[(example, ids of all answers about its picture)], each picture once."""
    found = {}
    for e in examples:
        _, ids = found.setdefault(id(e.patches), (e, set()))
        ids.update(e.answer.tolist())
    return list(found.values())


def scores(model, head, batch):
    """[pictures, tokens]: the greatest score over each picture's tokens."""
    given = demo_model.inputs([e for e, _ in batch])
    grid = given["image_grid_thw"]
    features = model.model.visual(given["pixel_values"],
                                  grid_thw=grid).pooler_output
    parts = head(features).split((grid.prod(1) // 4).tolist())
    return torch.stack([part.max(0)[0] for part in parts])


def train(model, examples, steps, rate, seed, say):
    pictures = with_answers(examples)
    kinds = [[p for p in pictures if p[0].dataset == name]
             for name in ("latex_ocr", "mtvqa")]
    tokens = sorted({t for _, ids in pictures for t in ids})
    column = {t: i for i, t in enumerate(tokens)}
    torch.manual_seed(seed)
    rng = numpy.random.default_rng(ORDER_SEED)
    head = torch.nn.Linear(demo_model.OPTIONS.hidden, len(tokens))
    torch.nn.init.constant_(head.bias, -4)
    filters = demo_model.patch_filters(model)
    flat = demo_model.flat_part(filters)
    rest = [p for p in model.model.visual.parameters() if p is not filters]
    rest += head.parameters()
    optimizer = torch.optim.AdamW(
        [{"params": rest, "factor": 1.0}, {"params": [filters], "factor": 0.2}],
        lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    begin, shown = time.monotonic(), []
    for step in range(steps):
        part = min(1, (step + 1) / 100, max(0.02, (steps - step) / (0.3 * steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"] * part
        batch = [kind[i] for kind in kinds
                 for i in rng.choice(len(kind), HALF_BATCH)]
        found = scores(model, head, batch)
        wanted = torch.zeros_like(found)
        for i, (_, ids) in enumerate(batch):
            wanted[i, [column[t] for t in ids]] = 1
        loss = functional.binary_cross_entropy_with_logits(
            found, wanted, reduction="sum") / len(batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*rest, filters], 5.0)
        optimizer.step()
        demo_model.set_flat_part(filters, flat)
        seen = ((found > 0) * wanted).sum() / wanted.sum()
        shown.append((loss.item(), seen.item()))
        if (step + 1) % 100 == 0:
            mean = numpy.mean(shown, axis=0)
            left = (time.monotonic() - begin) / (step + 1) * (steps - step - 1)
            say(f"vision step {step + 1}/{steps}  loss {mean[0]:.2f}  tokens seen "
                f"{mean[1]:.3f}  left {left / 60:.1f} min")
            shown = []
