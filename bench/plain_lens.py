"""The logit lens as one writes it with transformers: one sample at a time.

What bench/end_to_end.py measures `lens run` against; it starts this file as a
process of its own. For every generated token the head reads the states of all
layers in one product (a loop over the layers would be slower), and softmax,
entropy and the top tokens follow in float32. Nothing here is Lens's.

    plain_lens.py JOB.json      the job: see main()
"""

import json
import pathlib
import sys
import time

STARTED = time.monotonic()

import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import (AutoModelForImageTextToText,  # noqa: E402
                          AutoProcessor, GenerationConfig)

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/oracle"))
import samples as data  # noqa: E402

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def load(job):
    """(model, processor) on the device; greedy, the checkpoint's end tokens."""
    model = AutoModelForImageTextToText.from_pretrained(
        job["model"], dtype=getattr(torch, job["dtype"]),
        local_files_only=True).eval().to(job["device"])
    own = model.generation_config
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=own.eos_token_id,
        pad_token_id=own.pad_token_id, bos_token_id=own.bos_token_id)
    return model, AutoProcessor.from_pretrained(job["model"],
                                                local_files_only=True)


def read_lens(model, steps, top_k):
    """(entropy [token, layer], top ids [token, layer, k]) of all steps."""
    norm, head = model.model.language_model.norm, model.lm_head
    entropies, tops = [], []
    for step in steps:
        states = torch.stack([state[0, -1] for state in step])
        # The last state has met the norm already.
        logits = head(torch.cat([norm(states[:-1]), states[-1:]])).float()
        logprobs = torch.log_softmax(logits, -1)
        entropies.append(-(logprobs.exp() * logprobs).sum(-1))
        tops.append(logprobs.topk(top_k).indices)
    return (torch.stack(entropies).cpu().numpy(),
            torch.stack(tops).cpu().numpy())


def fill_limits(job, processor):
    """Limits of the image area that are 0 become the checkpoint's."""
    size = processor.image_processor.size
    job["min_pixels"] = job["min_pixels"] or size["shortest_edge"]
    job["max_pixels"] = job["max_pixels"] or size["longest_edge"]


@torch.no_grad()
def answer(model, processor, sample, job):
    """(prompt length, generated ids, entropy, top ids) of one sample."""
    limits = {key: job[key] for key in ("min_pixels", "max_pixels")}
    inputs = processor(text=[data.render(sample.prompt)],
                       images=[data.decode_image(sample.image)],
                       return_tensors="pt", **limits).to(model.device)
    out = model.generate(**inputs, max_new_tokens=job["max_new_tokens"],
                         output_hidden_states=True,
                         return_dict_in_generate=True)
    prompt = inputs["input_ids"].shape[1]
    ids = out.sequences[0, prompt:].cpu().numpy()
    return prompt, ids, *read_lens(model, out.hidden_states, job["top_k"])


class Answers:
    """What a run answers, by the names that bench/end_to_end.py compares."""

    def __init__(self):
        self.columns = {}
        self.prompt_tokens = 0
        self.samples = 0

    def add(self, dataset, sample, prompt_tokens, ids, entropy, top):
        key = f"{dataset}/{sample.sample_id}"
        self.columns |= {f"{key}/ids": ids, f"{key}/entropy": entropy,
                         f"{key}/top": top}
        self.prompt_tokens += prompt_tokens
        self.samples += 1

    def save(self, file, **more):
        """Writes the columns, and prints what was done and the versions."""
        np.savez(file, **self.columns)
        print(json.dumps({"samples": self.samples,
                          "prompt_tokens": self.prompt_tokens, **more,
                          "transformers": transformers.__version__,
                          "torch": torch.__version__}))


def main():
    job = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(job["threads"])
    model, processor = load(job)
    fill_limits(job, processor)
    loaded = time.monotonic()
    answers = Answers()
    for name, path in job["datasets"].items():
        for sample in data.read(name, path, job["limit"]):
            answers.add(name, sample, *answer(model, processor, sample, job))
    done = time.monotonic()
    answers.save(job["out"], load_s=loaded - STARTED, work_s=done - loaded)


if __name__ == "__main__":
    main()
