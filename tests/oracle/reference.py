"""One sample at a time through transformers: the reference of all checks."""

import dataclasses

import numpy as np
import torch
import transformers
from transformers import (AutoModelForImageTextToText, AutoProcessor,
                          GenerationConfig)

import lens_math
import samples as data

transformers.logging.set_verbosity_error()
# Models this small gain nothing from threads, and waiting for one another they
# lose much on a busy machine.
torch.set_num_threads(1)


@dataclasses.dataclass
class Answer:
    """What transformers made of one sample."""

    prompt_ids: np.ndarray  # [prompt], image placeholders expanded
    generated_ids: np.ndarray  # [token], the end token included
    states: torch.Tensor  # [token, N + 1, hidden], the row that predicts it
    logits: torch.Tensor  # [token, vocab], as generate() saw them
    # [token, block] each: of what the predicting token takes from the image
    attention: dict
    inputs: dict
    source_size: tuple  # (height, width) after EXIF
    text: str  # without special tokens


class Reference:
    """A checkpoint in transformers: eager attention, greedy, no processors."""

    def __init__(self, checkpoint, dtype, min_pixels=None, max_pixels=None):
        self.model, report = AutoModelForImageTextToText.from_pretrained(
            checkpoint, dtype=getattr(torch, dtype), local_files_only=True,
            attn_implementation="eager", output_loading_info=True)
        faults = {k: v for k, v in report.items() if v}
        if faults:
            raise SystemExit(f"checkpoint does not load cleanly ({faults})")
        self.model.eval()
        self.processor = AutoProcessor.from_pretrained(checkpoint,
                                                       local_files_only=True)
        size = self.processor.image_processor.size
        self.min_pixels = min_pixels or size["shortest_edge"]
        self.max_pixels = max_pixels or size["longest_edge"]
        own = self.model.generation_config
        ends = own.eos_token_id
        self.end_ids = [ends] if isinstance(ends, int) else list(ends or [])
        # Replaced, since generate() fills what a caller leaves unset from it.
        self.model.generation_config = GenerationConfig(
            do_sample=False, eos_token_id=self.end_ids,
            pad_token_id=own.pad_token_id, bos_token_id=own.bos_token_id,
            repetition_penalty=1.0)

    def refused(self, sample):
        """Why PIL or the image processor refuses the picture, or ""."""
        try:
            self.processor.image_processor(
                images=[data.decode_image(sample.image)],
                min_pixels=self.min_pixels, max_pixels=self.max_pixels)
        except (OSError, ValueError, SyntaxError) as error:
            return str(error) or type(error).__name__
        return ""

    def inputs_of(self, sample):
        """(processor output, image size after EXIF)."""
        image = data.decode_image(sample.image)
        # Both limits explicitly: the class keeps them between constructions.
        inputs = self.processor(
            text=[data.render(sample.prompt)], images=[image],
            return_tensors="pt", min_pixels=self.min_pixels,
            max_pixels=self.max_pixels)
        return inputs, (image.height, image.width)

    @torch.no_grad()
    def answer(self, sample, max_new_tokens):
        """Greedy answer with the states of every step."""
        inputs, size = self.inputs_of(sample)
        out = self.model.generate(
            **inputs, max_new_tokens=max_new_tokens, output_logits=True,
            output_hidden_states=True, output_attentions=True,
            return_dict_in_generate=True)
        prompt = inputs["input_ids"][0]
        generated = out.sequences[0, len(prompt):]
        steps = [torch.stack([s[0, -1] for s in step])
                 for step in out.hidden_states]
        special = set(self.processor.tokenizer.all_special_ids)
        text = self.processor.tokenizer.decode(
            [i for i in generated.tolist() if i not in special])
        return Answer(prompt.numpy().astype(np.int32),
                      generated.numpy().astype(np.int32), torch.stack(steps),
                      torch.stack([x[0] for x in out.logits]),
                      self.image_attention(prompt, out.attentions),
                      dict(inputs), size, text)

    def image_attention(self, prompt, steps):
        """The three columns by their definitions (docs/metrics.md)."""
        image = prompt == self.model.config.image_token_id
        keys = torch.nonzero(image)[:, 0]
        rows = {"image_attention": [], "image_attention_max": [],
                "image_attention_entropy": []}
        for step in steps:
            # [block, head, image token] of the last query
            on_image = torch.stack([a[0, :, -1] for a in step])[..., keys].double()
            mass = on_image.sum(-1)
            mean = on_image.mean(1)
            share = mean / mean.sum(-1, keepdim=True)
            rows["image_attention"].append(mass.mean(1))
            rows["image_attention_max"].append(mass.max(1).values)
            rows["image_attention_entropy"].append(
                -torch.special.xlogy(share, share).sum(-1))
        return {k: torch.stack(v).numpy() for k, v in rows.items()}

    def lens(self, answer, top_k):
        return lens_math.lens(self.model, answer.states,
                              answer.generated_ids.astype(np.int64), top_k)

    def positions(self, inputs):
        """M-RoPE positions [3, prompt] and the offset of later tokens."""
        positions, delta = self.model.model.get_rope_index(
            inputs["input_ids"], image_grid_thw=inputs["image_grid_thw"],
            mm_token_type_ids=inputs["mm_token_type_ids"],
            attention_mask=inputs["attention_mask"])
        return positions[:, 0], int(delta)

    @torch.no_grad()
    def vision(self, inputs):
        """Merged rows of the vision tower [image tokens, hidden]."""
        out = self.model.model.get_image_features(
            inputs["pixel_values"], inputs["image_grid_thw"]).pooler_output
        return torch.cat(list(out)) if isinstance(out, (tuple, list)) else out
