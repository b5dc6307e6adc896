#include "lens/cpu/token_block.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

namespace lens::readout::cpu {
namespace {

std::vector<std::int64_t> slots_of(std::int64_t tokens, std::int64_t states) {
  std::vector<std::int64_t> order;
  order.reserve(tokens * states);
  for (std::int64_t token = 0; token < tokens; ++token) {
    order.push_back(token * states + states - 1);
  }
  for (std::int64_t row = 0; row < tokens * states; ++row) {
    if (row % states != states - 1) order.push_back(row);
  }
  return order;
}

at::Tensor floats(std::int64_t count) { return at::empty({count}, at::kFloat); }

// Keeps a NaN, which std::max(0.0, NaN) would turn into 0.
double at_least_zero(double value) { return value < 0 ? 0 : value; }
double at_most_zero(double value) { return value > 0 ? 0 : value; }

// A vector's worth of values for each lane, aligned for vectors.
template <typename Value>
struct alignas(kAlignment) PerLane {
  Value values[kMaxLanes];
  Value& operator[](int lane) { return values[lane]; }
};

}  // namespace

TokenBlock::Scratch::Scratch(const HeadView& head,
                             std::int64_t most_final_groups)
    : tile_size_(std::int64_t{kMaxIds} * head.kernel.lanes),
      weights_(at::empty({head.panels.scratch_bytes()}, at::kByte)),
      final_tiles_(floats(most_final_groups * tile_size_)),
      final_masses_(floats(most_final_groups * tile_size_)),
      tile_(floats(tile_size_)),
      masses_(floats(tile_size_)),
      script_(floats(std::int64_t{head.scripts} * head.kernel.lanes)) {}

TokenBlock::TokenBlock(const HeadView& head, const at::Tensor& rows,
                       std::int64_t states, const at::Tensor& targets,
                       std::int64_t first)
    : head_(head),
      first_(first),
      tokens_(rows.size(0) / states),
      states_(states),
      order_(slots_of(tokens_, states)),
      rows_(rows, order_, head.kernel),
      final_groups_((tokens_ + head.kernel.lanes - 1) / head.kernel.lanes),
      tokens_of_(rows_.groups()),
      parts_(kParts) {
  const int lanes = head_.kernel.lanes;
  for (std::size_t slot = 0; slot < order_.size(); ++slot) {
    const std::int64_t token = order_[slot] / states_;
    std::vector<LaneRun>& runs = tokens_of_[slot / lanes];
    if (runs.empty() || runs.back().token != token) {
      runs.push_back({static_cast<int>(slot % lanes), token});
    }
  }
  find_target_logits(targets);
}

int TokenBlock::lanes_used(std::int64_t group) const {
  const int lanes = head_.kernel.lanes;
  return static_cast<int>(std::min<std::int64_t>(
      lanes, static_cast<std::int64_t>(order_.size()) - group * lanes));
}

// By the same product as the sweep's, so that an id's logit is the same bits in
// both and the target never counts as larger than itself.
void TokenBlock::find_target_logits(const at::Tensor& targets) {
  const Kernel& kernel = head_.kernel;
  const at::Tensor weights = head_.panels.gather(targets);
  const std::int64_t hidden_size = weights.size(1);
  const auto bytes = static_cast<std::int64_t>(weights.element_size());
  const at::Tensor tile = floats(std::int64_t{kernel.id_step} * kernel.lanes);
  target_logit_.assign(rows_.groups() * kernel.lanes, 0);
  for (std::int64_t group = 0; group < rows_.groups(); ++group) {
    const std::vector<LaneRun>& runs = tokens_of_[group];
    std::int64_t done = -1;  // the step of ids whose product the tile has
    for (std::size_t run = 0; run < runs.size(); ++run) {
      const std::int64_t step = runs[run].token / kernel.id_step;
      if (step != done) {
        kernel.multiply(static_cast<const char*>(weights.const_data_ptr()) +
                            step * kernel.id_step * hidden_size * bytes,
                        hidden_size, rows_.group(group), hidden_size,
                        kernel.id_step, tile.mutable_data_ptr<float>());
        done = step;
      }
      const int end =
          run + 1 < runs.size() ? runs[run + 1].first : lanes_used(group);
      const float* const logits =
          tile.const_data_ptr<float>() +
          runs[run].token % kernel.id_step * kernel.lanes;
      for (int lane = runs[run].first; lane < end; ++lane) {
        target_logit_[group * kernel.lanes + lane] = logits[lane];
      }
    }
  }
}

void TokenBlock::sweep(int index, Scratch* scratch) {
  Part& part = parts_[index];
  part.resize(order_.size(), head_.scripts, head_.top_k);
  scratch->final_max_.resize(tokens_);
  scratch->final_mass_.resize(tokens_);
  const std::int64_t panels = head_.panels.count();
  for (std::int64_t i = panels * index / kParts;
       i < panels * (index + 1) / kParts; ++i) {
    const WeightPanels::Panel panel =
        head_.panels.read(i, scratch->weights_.mutable_data_ptr());
    read_final_states(panel, part, scratch);
    for (std::int64_t group = 0; group < rows_.groups(); ++group) {
      reduce_group(group, panel, &part, scratch);
    }
  }
}

// Logits of the groups that hold last states, and what all rows of their tokens
// are held against: e^(z_N - max_N).
void TokenBlock::read_final_states(const WeightPanels::Panel& panel,
                                   const Part& part, Scratch* scratch) const {
  const Kernel& kernel = head_.kernel;
  PerLane<float> largest;
  PerLane<float> sum;
  for (std::int64_t group = 0; group < final_groups_; ++group) {
    float* const tile = scratch->tile_of(group);
    kernel.multiply(panel.weights, panel.stride, rows_.group(group),
                    panel.stride, panel.multiplied, tile);
    kernel.find_largest(tile, panel.ids, largest.values);
    const std::int64_t first = group * kernel.lanes;
    const auto count =
        static_cast<int>(std::min<std::int64_t>(kernel.lanes, tokens_ - first));
    for (int lane = 0; lane < count; ++lane) {
      // The last state of token t is slot t.
      largest[lane] = std::max(part.rows[first + lane].sums.max, largest[lane]);
      scratch->final_max_[first + lane] = largest[lane];
    }
    kernel.exponentiate(tile, panel.ids, largest.values,
                        scratch->masses_of(group), sum.values);
    for (int lane = 0; lane < count; ++lane) {
      scratch->final_mass_[first + lane] = sum[lane];
    }
  }
}

void TokenBlock::reduce_group(std::int64_t group,
                              const WeightPanels::Panel& panel, Part* part,
                              Scratch* scratch) const {
  const Kernel& kernel = head_.kernel;
  const int lanes = kernel.lanes;
  const int scripts = head_.scripts;
  const std::int64_t first = group * lanes;
  const int used = lanes_used(group);
  float* tile = scratch->tile_.mutable_data_ptr<float>();
  if (group < final_groups_) {
    tile = scratch->tile_of(group);
  } else {
    kernel.multiply(panel.weights, panel.stride, rows_.group(group),
                    panel.stride, panel.multiplied, tile);
  }

  // What the lanes' sums refer to from here on.
  PerLane<float> max{};
  kernel.find_largest(tile, panel.ids, max.values);
  const std::vector<LaneRun>& runs = tokens_of_[group];
  std::size_t run = 0;
  PerLane<std::int64_t> token{};
  for (int lane = 0; lane < used; ++lane) {
    if (run + 1 < runs.size() && runs[run + 1].first == lane) ++run;
    token[lane] = runs[run].token;
    RowState& row = part->rows[first + lane];
    const float before = row.sums.max;
    const float largest = max[lane];
    max[lane] = std::max(before, largest);
    row.sums.raise(max[lane], scratch->final_max_[token[lane]]);
    if (max[lane] != before) {
      const auto factor = shrink<double>(before, max[lane]);
      double* const script = &part->script[(first + lane) * scripts];
      for (int c = 0; c < scripts; ++c) script[c] *= factor;
    }
    Candidate* const best = &part->best[(first + lane) * head_.top_k];
    if (largest > best[head_.top_k - 1].logit) {
      for (int id = 0; id < panel.ids; ++id) {
        offer(Candidate{tile[id * lanes + lane],
                        head_.first_id +
                            static_cast<std::int32_t>(panel.begin + id)},
              best, head_.top_k);
      }
    }
  }

  const float* masses = scratch->masses_.const_data_ptr<float>();
  if (first + lanes <= tokens_) {
    // Last states alone: each is held against itself.
    masses = scratch->masses_of(group);
  } else {
    scratch->segments_.clear();
    for (const LaneRun& each : runs) {
      scratch->segments_.push_back(
          {each.first,
           scratch->masses_of(each.token / lanes) + each.token % lanes});
    }
    kernel.spread(scratch->segments_.data(),
                  static_cast<int>(scratch->segments_.size()), lanes, panel.ids,
                  scratch->masses_.mutable_data_ptr<float>());
  }

  PerLane<float> sum;
  PerLane<float> weighted;
  PerLane<float> squared;
  PerLane<float> final_dot;
  PerLane<std::int32_t> larger;
  float* const script = scratch->script_.mutable_data_ptr<float>();
  std::fill_n(script, scripts * lanes, 0.0F);
  kernel.add_up(tile, masses, panel.ids, max.values, &target_logit_[first],
                head_.script_class + panel.begin,
                {sum.values, weighted.values, squared.values, final_dot.values,
                 larger.values, script});
  for (int lane = 0; lane < used; ++lane) {
    RowState& row = part->rows[first + lane];
    row.sums.sum += sum[lane];
    row.sums.weighted += weighted[lane];
    row.sums.squared += squared[lane];
    row.sums.final_sum += scratch->final_mass_[token[lane]];
    row.sums.final_dot += final_dot[lane];
    row.larger += larger[lane];
    double* const to = &part->script[(first + lane) * scripts];
    for (int c = 0; c < scripts; ++c) to[c] += script[c * lanes + lane];
  }
}

void TokenBlock::join() {
  for (int part = 1; part < kParts; ++part) {
    parts_[0].merge(parts_[part]);
    parts_[part] = Part();
  }
}

void TokenBlock::give_target_logits(std::int64_t token,
                                    const at::Tensor& to) const {
  auto* const logits = to.mutable_data_ptr<float>();
  for (std::size_t slot = 0; slot < order_.size(); ++slot) {
    logits[row_of(slot, token)] = target_logit_[slot];
  }
}

void TokenBlock::take_target_logits(std::int64_t token,
                                    const at::Tensor& from) {
  const auto* const logits = from.const_data_ptr<float>();
  for (std::size_t slot = 0; slot < order_.size(); ++slot) {
    target_logit_[slot] = logits[row_of(slot, token)];
  }
}

void TokenBlock::give_sums(std::int64_t token, const at::Tensor& to) const {
  auto* const values = to.mutable_data_ptr<double>();
  for (std::size_t slot = 0; slot < order_.size(); ++slot) {
    parts_[0].write(slot, values + row_of(slot, token) * to.size(1));
  }
}

void TokenBlock::take_sums(std::int64_t token, const at::Tensor& from) {
  Part added;
  added.resize(order_.size(), head_.scripts, head_.top_k);
  for (std::int64_t rank = 0; rank < from.size(0); ++rank) {
    Part& part = rank == 0 ? parts_[0] : added;
    const at::Tensor given = from.select(0, rank);
    const auto* const values = given.const_data_ptr<double>();
    for (std::size_t slot = 0; slot < order_.size(); ++slot) {
      part.read(slot, values + row_of(slot, token) * given.size(1));
    }
    if (rank > 0) parts_[0].merge(added);
  }
}

// From sums to what they mean; in float64.
void TokenBlock::finish(Readout* readout) const {
  const Part& whole = parts_[0];
  float* const entropy = readout->get<"entropy">().mutable_data_ptr<float>();
  float* const varentropy =
      readout->get<"varentropy">().mutable_data_ptr<float>();
  float* const kl_final = readout->get<"kl_final">().mutable_data_ptr<float>();
  float* const target_logprob =
      readout->get<"target_logprob">().mutable_data_ptr<float>();
  float* const logsumexp = readout->logsumexp.mutable_data_ptr<float>();
  float* const script_share =
      readout->get<"script_share">().mutable_data_ptr<float>();
  float* const top_logprob =
      readout->get<"top_logprob">().mutable_data_ptr<float>();
  auto* const target_rank =
      readout->get<"target_rank">().mutable_data_ptr<std::int32_t>();
  auto* const top_id =
      readout->get<"top_id">().mutable_data_ptr<std::int32_t>();
  const int top_k = head_.top_k;
  const auto cross = [](const RowSums<double>& sums) {  // E_N[log p]
    return sums.final_dot / sums.final_sum - std::log(sums.sum);
  };
  for (std::size_t slot = 0; slot < order_.size(); ++slot) {
    const RowState& row = whole.rows[slot];
    const RowSums<double>& sums = row.sums;
    // The last state of token t is slot t.
    const RowSums<double>& last = whole.rows[order_[slot] / states_].sums;
    const std::int64_t out = row_of(slot, 0);
    const double log_sum = std::log(sums.sum);
    const double lse = sums.max + log_sum;
    const double mean = sums.weighted / sums.sum;
    // The variance of ln p is that of z.
    varentropy[out] = at_least_zero(sums.squared / sums.sum - mean * mean);
    // H = log sum - E[z - max]; both terms are >= 0.
    entropy[out] = at_least_zero(log_sum - mean);
    kl_final[out] = at_least_zero(cross(last) - cross(sums));
    logsumexp[out] = lse;
    target_logprob[out] = at_most_zero(target_logit_[slot] - lse);
    target_rank[out] = static_cast<std::int32_t>(row.larger + 1);
    for (int k = 0; k < top_k; ++k) {
      const Candidate& best = whole.best[slot * top_k + k];
      // No logit at all that is larger than another: NaN, which the values of
      // this row say themselves.
      top_id[out * top_k + k] = std::max(best.id, 0);
      top_logprob[out * top_k + k] = at_most_zero(best.logit - lse);
    }
    for (int c = 0; c < head_.scripts; ++c) {
      script_share[out * head_.scripts + c] =
          whole.script[slot * head_.scripts + c] / sums.sum;
    }
  }
}

}  // namespace lens::readout::cpu
