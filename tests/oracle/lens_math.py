"""The logit lens of captured states, by its definition and nothing clever.

Logits in float32 (float64 for a float64 model), every reduction in float64,
over the full vocabulary, a few rows at a time.
"""

import numpy as np
import torch

# Two ids count as tied when their logits differ by less; ranks are stored as
# the range that ties within each tolerance allow.
TIES = (1e-5, 1e-4)
EXTRA_TOP = 16  # ranks kept beyond top_k, to judge ties at the last rank


def logits_of(model, states):
    """[rows, layers, hidden] -> [rows, layers, vocab], by the norm rule.

    State i < N is normed; state N is after the final norm already.
    """
    normed = model.model.language_model.norm(states[:, :-1])
    x = torch.cat([normed, states[:, -1:]], dim=1)
    wide = torch.float64 if states.dtype == torch.float64 else torch.float32
    return x.to(wide) @ model.lm_head.weight.to(wide).T


def _top(z, k):
    """Ids of the k largest, largest first, lowest id first among equals."""
    pool = np.argpartition(-z, min(k + EXTRA_TOP, z.size - 1))[:k + EXTRA_TOP]
    order = np.lexsort((pool, -z[pool]))
    return pool[order][:k]


def lens(model, states, target_ids, top_k, rows_at_once=4):
    """Lens of states [token, layer, hidden] for the tokens they predict.

    Returns float64 and int32 arrays [token, layer, ...]; natural logarithm.
    """
    tokens, layers, _ = states.shape
    keep = top_k + EXTRA_TOP
    f = {k: np.empty((tokens, layers)) for k in
         ("entropy", "varentropy", "lse", "kl_final", "target_logprob")}
    rank = np.empty((tokens, layers), np.int32)
    window = np.empty((tokens, layers, len(TIES), 2), np.int32)
    top_id = np.empty((tokens, layers, keep), np.int32)
    top_logprob = np.empty((tokens, layers, keep))
    for begin in range(0, tokens, rows_at_once):
        rows = slice(begin, min(begin + rows_at_once, tokens))
        with torch.no_grad():
            z = logits_of(model, states[rows]).double()
        lse = torch.logsumexp(z, -1)
        logp = z - lse[..., None]
        p = logp.exp()
        final = p[:, -1:]
        target = torch.as_tensor(target_ids[rows]).view(-1, 1, 1)
        target_z = z.gather(-1, target.expand(-1, layers, 1))
        f["lse"][rows] = lse
        f["entropy"][rows] = -(p * logp).sum(-1)
        centred = logp - (p * logp).sum(-1, keepdim=True)
        f["varentropy"][rows] = (p * centred ** 2).sum(-1)
        f["kl_final"][rows] = (final * (logp[:, -1:] - logp)).sum(-1)
        f["target_logprob"][rows] = (target_z[..., 0] - lse)
        rank[rows] = 1 + (z > target_z).sum(-1)
        for i, tie in enumerate(TIES):
            window[rows, :, i, 0] = 1 + (z > target_z + tie).sum(-1)
            window[rows, :, i, 1] = (z >= target_z - tie).sum(-1)
        z, lse = z.numpy(), lse.numpy()
        for t in range(z.shape[0]):
            for layer in range(layers):
                ids = _top(z[t, layer], keep)
                top_id[begin + t, layer] = ids
                top_logprob[begin + t, layer] = (z[t, layer, ids]
                                                 - lse[t, layer])
    return f | {"target_rank": rank, "rank_window": window, "top_id": top_id,
                "top_logprob": top_logprob}
