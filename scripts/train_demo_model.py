"""Trains demo/model: a small Qwen2-VL that reads the demo's formulas and signs.

The weights begin at random and are trained with transformers on pictures that
demo_formulas and demo_signs make; nothing of the test splits of demo/data is
among them (demo_samples checks it). The folder written has the official file
formats. A run that is stopped goes on from its last checkpoint in --work.

  train_demo_model.py --work WORK                 train and write demo/model
  train_demo_model.py --work WORK --steps 4500    the same in half the time
  train_demo_model.py --evaluate demo/model       only measure a folder

Run with Python 3.11, torch 2.11.0, transformers 5.17.0, tokenizers 0.23.3,
NumPy 2.3.5, Pillow 12.0.0, Matplotlib 3.11.2 and Debian 12's Noto fonts.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import pickle
import sys
import time

import numpy
import torch
import transformers
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import demo_model  # noqa: E402
import demo_samples  # noqa: E402
import demo_vision  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]


def options():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, default="demo-training",
                        help="folder of samples and checkpoints (%(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "demo/model")
    parser.add_argument("--evaluate", type=pathlib.Path, metavar="DIR",
                        help="measure this folder on the held-out samples")
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--vision-steps", type=int, default=2500,
                        help="of the vision tower alone, before (%(default)s)")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--formulas", type=int, default=20000,
                        help="pictures made for training (%(default)s)")
    parser.add_argument("--signs", type=int, default=9000)
    parser.add_argument("--rate", type=float, default=1e-3,
                        help="peak learning rate (%(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-every", type=int, default=200,
                        help="steps between checkpoints (%(default)s)")
    parser.add_argument("--stop-at", type=int, metavar="STEP",
                        help="save and stop there; a later run goes on")
    return parser.parse_args()


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def cached(path, make):
    """make(), remembered in a file."""
    if path.exists():
        return pickle.loads(path.read_bytes())
    value = make()
    path.write_bytes(pickle.dumps(value))
    return value


def prepare(o):
    """Training and validation samples, encoded, and the folder they need."""
    start = o.work / "start"
    with multiprocessing.get_context("fork").Pool(o.threads) as pool:
        train = demo_samples.made(o.seed, o.formulas, o.signs, pool)
        valid = demo_samples.made(o.seed + 1, 100, 99, pool)
    say(f"{len(train[0])} training samples, {len(train[1])} pictures")
    if not (start / "config.json").exists():
        demo_model.write_start(start, demo_samples.lines(train[0][:3000])
                               + demo_samples.lines(train[0][-6000:]), o.seed)
    encoder = demo_model.Encoder(start)
    return [encoder.encode_all(*each) for each in (train, valid)]


def learning_rate(step, o):
    """Rises over 200 steps, stays, and falls over the last 40 %."""
    rise = min(1.0, (step + 1) / 200)
    left = (o.steps - step) / (0.4 * o.steps)
    return o.rate * rise * max(0.02, min(1.0, left))


def batches(examples, o, block):
    """Sixteen batches of alike lengths: half formulas, half questions. Over the
    first tenth of the training the formulas grow from the shortest to all."""
    rng = numpy.random.default_rng((o.seed, block))
    longest = 5 + 25 * 16 * block / (o.steps / 10)  # no formula has more than 30
    groups = [[], []]
    for i, each in enumerate(examples):
        if each.dataset == "mtvqa" or len(each.answer) <= longest:
            groups[each.dataset == "mtvqa"].append(i)
    half = 16 * o.batch // 2
    chosen = numpy.concatenate([rng.choice(g, half) for g in groups])
    noise = rng.uniform(0, 4, len(chosen))
    order = sorted(range(len(chosen)),
                   key=lambda k: examples[chosen[k]].length + noise[k])
    for k in rng.permutation(16):
        part = order[k * o.batch:(k + 1) * o.batch]
        yield [examples[chosen[i]] for i in part]


def loss_of(model, batch):
    logits, targets = demo_model.answer_logits(model, batch)
    return functional.cross_entropy(logits, targets), logits, targets


def train(model, examples, valid, o):
    torch.manual_seed(o.seed)
    filters = demo_model.patch_filters(model)
    # A filter has 1,176 inputs, neighbours alike: its steps add up.
    groups = [{"params": [filters], "weight_decay": 0.05, "factor": 0.1}]
    for tower, factor in ((model.model.visual, 0.4),
                          (model.model.language_model, 1.0), (model.lm_head, 1.0)):
        for flat_ones, decay in ((True, 0.0), (False, 0.05)):
            groups.append({"params": [
                p for p in tower.parameters()
                if (p.dim() == 1) == flat_ones and p is not filters],
                "weight_decay": decay, "factor": factor})
    optimizer = torch.optim.AdamW(groups, lr=o.rate, betas=(0.9, 0.98))
    checkpoint = o.work / "checkpoint.pt"
    step, seconds = 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, seconds = saved["step"], saved["seconds"]
        say(f"going on from step {step}")
    last = min(o.steps, o.stop_at or o.steps)
    flat = demo_model.flat_part(filters)
    begin, first = time.process_time() - seconds, step
    here, shown = time.monotonic(), []
    model.train()
    while step < last:
        for k, batch in enumerate(batches(examples, o, step // 16)):
            if k < step % 16:
                continue
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, o) * group["factor"]
            loss, logits, targets = loss_of(model, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            demo_model.set_flat_part(filters, flat)
            optimizer.zero_grad(set_to_none=True)
            step += 1
            right = (logits.argmax(-1) == targets).float().mean().item()
            shown.append((loss.item(), right))
            if step % 50 == 0:
                pace = (step - first) / (time.monotonic() - here)
                mean = numpy.mean(shown, axis=0)
                say(f"step {step}/{o.steps}  loss {mean[0]:.3f}  tokens right "
                    f"{mean[1]:.3f}  {pace * o.batch:.0f} samples/s  "
                    f"left {(o.steps - step) / pace / 60:.1f} min")
                shown = []
            if step % o.save_every == 0 or step == last:
                seconds = time.process_time() - begin
                fresh = checkpoint.with_suffix(".new")
                torch.save({"model": model.state_dict(), "step": step,
                            "optimizer": optimizer.state_dict(),
                            "seconds": seconds}, fresh)
                os.replace(fresh, checkpoint)
            if step % 500 == 0 or step == last:
                say(f"validation: {demo_model.token_accuracy(model, valid)}")
                model.train()
            if step % 16 == 0 or step >= last:
                break
    return step, seconds


def evaluate(folder):
    """Held-out figures of a folder, as a dictionary."""
    model = demo_model.load(folder)
    encoder = demo_model.Encoder(folder)
    held = encoder.encode_all(*demo_samples.held_out())
    return {"token_accuracy": demo_model.token_accuracy(model, held),
            "exact_match": demo_model.exact_match(model, held, encoder),
            "entropy_by_state": demo_model.entropy_by_state(model, held)}


def main():
    o = options()
    torch.set_num_threads(o.threads)
    if o.evaluate:
        print(json.dumps(evaluate(o.evaluate), indent=2, ensure_ascii=False))
        return
    o.work.mkdir(parents=True, exist_ok=True)
    given = {k: v for k, v in vars(o).items() if k in ("formulas", "signs", "seed")}
    name = "-".join(str(v) for v in given.values())
    examples, valid = cached(o.work / f"samples-{name}.pickle",
                             lambda: prepare(o))
    model = demo_model.load(o.work / "start")
    count = sum(p.numel() for p in model.parameters())
    say(f"{count:,} parameters, {torch.get_num_threads()} threads")
    vision = o.work / "vision.pt"
    if not vision.exists():
        demo_vision.train(model, examples, o.vision_steps, 2 * o.rate, o.seed, say)
        torch.save(model.model.visual.state_dict(), vision)
    model.model.visual.load_state_dict(torch.load(vision, weights_only=True))
    step, seconds = train(model, examples, valid, o)
    say(f"step {step} after {seconds / 60:.1f} min")
    if step < o.steps:
        return
    demo_model.save(model, o.work / "start", o.out)
    facts = given | {
        "parameters": count, "vision_steps": o.vision_steps, "steps": step, "batch": o.batch, "rate": o.rate,
        "threads": o.threads, "minutes_of_processor": round(seconds / 60, 1),
        "torch": torch.__version__, "transformers": transformers.__version__}
    facts["held_out"] = evaluate(o.out)
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    (o.out / "training.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
