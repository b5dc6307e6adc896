"""The logit lens as a good engineer writes it with transformers: in batches.

What bench/end_to_end.py --batch measures `lens run` against. Prompts are padded
on the left and answered together; afterwards the head reads the states of all
new tokens and layers in chunks of rows, and entropy and top tokens follow on
the chunk. The model is loaded once and answers all samples at each batch size.

    batched_lens.py JOB.json      the job: see bench/end_to_end.py
"""

import json
import pathlib
import sys
import time

STARTED = time.monotonic()

import torch  # noqa: E402

import plain_lens  # noqa: E402

CHUNK_ROWS = 1024


def read_lens(model, states, top_k):
    """states [rows, hidden], all as the head reads them: entropy, top ids."""
    entropies, tops = [], []
    for chunk in states.split(CHUNK_ROWS):
        logits = model.lm_head(chunk).float()
        logprobs = torch.log_softmax(logits, -1)
        entropies.append(-(logprobs.exp() * logprobs).sum(-1))
        tops.append(logprobs.topk(top_k).indices)
    return torch.cat(entropies), torch.cat(tops)


@torch.no_grad()
def answer_batch(model, processor, samples, job):
    """One (prompt length, ids, entropy, top ids) a sample."""
    limits = {key: job[key] for key in ("min_pixels", "max_pixels")}
    inputs = processor(
        text=[plain_lens.data.render(sample.prompt) for sample in samples],
        images=[plain_lens.data.decode_image(sample.image)
                for sample in samples],
        return_tensors="pt", padding=True, padding_side="left",
        **limits).to(model.device)
    out = model.generate(**inputs, max_new_tokens=job["max_new_tokens"],
                         output_hidden_states=True,
                         return_dict_in_generate=True)
    width = inputs["input_ids"].shape[1]
    new = out.sequences[:, width:]
    ends = model.generation_config.eos_token_id
    ended = torch.isin(new, torch.tensor(ends, device=new.device))
    # The end token itself is part of an answer, what follows it is padding.
    kept = (ended.cumsum(-1) - ended.long()) == 0
    norm = model.model.language_model.norm
    # [layers, steps, batch, hidden]
    steps = [torch.stack([state[:, -1] for state in step])
             for step in out.hidden_states]
    states = torch.stack(steps, 1)
    # The last state has met the norm already.
    rows = torch.cat([norm(states[:-1]), states[-1:]])
    rows = rows.permute(2, 1, 0, 3)[kept[:, :len(steps)]]
    entropy, top = read_lens(model, rows.flatten(0, 1), job["top_k"])
    layers = rows.shape[1]
    entropy = entropy.view(-1, layers).cpu().numpy()
    top = top.view(-1, layers, top.shape[-1]).cpu().numpy()
    lengths = kept.sum(-1).tolist()
    prompts = inputs["attention_mask"].sum(-1).tolist()
    ids, answers, begin = new.cpu().numpy(), [], 0
    for i, length in enumerate(lengths):
        span = slice(begin, begin + length)
        answers.append((prompts[i], ids[i, :length], entropy[span], top[span]))
        begin += length
    return answers


def main():
    job = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(job["threads"])
    model, processor = plain_lens.load(job)
    plain_lens.fill_limits(job, processor)
    loaded = time.monotonic()
    work_s = {}
    for batch in job["batches"]:
        answers = plain_lens.Answers()
        begun = time.monotonic()
        for name, path in job["datasets"].items():
            samples = plain_lens.data.read(name, path, job["limit"])
            for first in range(0, len(samples), batch):
                part = samples[first:first + batch]
                for sample, answer in zip(
                        part, answer_batch(model, processor, part, job)):
                    answers.add(name, sample, *answer)
        work_s[batch] = time.monotonic() - begun
        print(f"batch {batch}: {work_s[batch]:.2f} s", file=sys.stderr,
              flush=True)
    best = min(work_s, key=work_s.get)
    answers.save(job["out"], load_s=loaded - STARTED, work_s=work_s[best],
                 batch=best, work_s_by_batch=work_s)


if __name__ == "__main__":
    main()
