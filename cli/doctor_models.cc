// The checks of doctor.h that ask whether a model fits.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "cli/checkpoint.h"
#include "cli/doctor.h"
#include "cli/memory_fit.h"
#include "cli/plan_vocabulary.h"
#include "model/families.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

std::string usual_device(const Machine& machine) {
  return machine.gpu.usable() ? "cuda" : "cpu";
}

// What is free for the weights of one worker now.
std::int64_t free_for_weights(const Machine& machine) {
  return machine.gpu.usable() ? memory_for_weights(machine, "cuda")
                              : machine.available_bytes;
}

int gpus_of(const Machine& machine) {
  return static_cast<int>(machine.gpu.gpus.size());
}

// "4 or 8": over how many of the GPUs the weights fit, with room; "" for none.
std::string fitting_spreads(const Machine& machine,
                            const std::vector<model::Spread>& spreads,
                            const std::string& dtype) {
  const std::int64_t there = free_for_weights(machine);
  std::string text;
  for (const model::Spread& spread : spreads) {
    if (spread.ranks > gpus_of(machine)) break;
    if (with_room(weight_bytes(spread.values, dtype)) > there) continue;
    text += (text.empty() ? "" : " or ") + std::to_string(spread.ranks);
  }
  return text;
}

// ", or 8 such GPUs (--tensor-parallel 8)"; "" where no number would do.
std::string more_gpus(const Machine& machine,
                      const std::vector<model::Spread>& spreads,
                      const std::string& dtype) {
  if (!machine.gpu.usable()) return "";
  const auto least = least_spread(spreads, dtype, free_for_weights(machine));
  if (!least) return "";
  return fmt::format(", or {0} such GPUs (--tensor-parallel {0})",
                     least->ranks);
}

}  // namespace

Finding check_official_model(const Machine& machine,
                             const model::PublishedModel& model) {
  const std::int64_t values = model.spreads.front().values;
  const std::int64_t there = free_for_weights(machine);
  const std::int64_t narrow = weight_bytes(values, "bfloat16");
  const std::int64_t wide = weight_bytes(values, "float32");
  std::string text = fmt::format(
      "{:.2f} billion values, {:.1f} GB in bfloat16, {:.1f} GB in "
      "float32: ",
      static_cast<double>(values) * 1e-9, gigabytes(narrow), gigabytes(wide));
  if (with_room(wide) <= there)
    return {Level::kGood, model.name, text + "fits in both"};
  if (with_room(narrow) <= there) {
    text += "fits in bfloat16";
    // These are bfloat16 checkpoints: only slow processors want another dtype.
    if (!machine.gpu.usable() && !machine.cpu.fast_bfloat16())
      text += ", slowly on these CPUs; give --dtype bfloat16";
    return {Level::kGood, model.name, text};
  }
  const std::string over = fitting_spreads(machine, model.spreads, "bfloat16");
  if (!over.empty())
    return {Level::kGood, model.name,
            text + "fits in bfloat16 with --tensor-parallel " + over};
  return {Level::kNote, model.name,
          text + fmt::format("does not fit; take {} with {:.0f} GB or more{}",
                             machine.gpu.usable() ? "a GPU" : "a machine",
                             gigabytes(with_room(narrow)),
                             more_gpus(machine, model.spreads, "bfloat16"))};
}

std::vector<Finding> check_official_models(const Machine& machine) {
  std::vector<Finding> findings;
  for (const model::Family& family : model::families()) {
    for (const model::PublishedModel& model : family.published()) {
      Finding finding = check_official_model(machine, model);
      finding.text = std::string(family.name) + ", " + finding.text;
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

// A checkpoint cannot be used: that is a finding, not the end of the others.
std::vector<Finding> check_model(const Machine& machine,
                                 const fs::path& folder) {
  try {
    const Checkpoint checkpoint = read_checkpoint(folder);
    check_tokenizer(checkpoint, storage::RunConfig{}.system_prompt);
    std::vector<Finding> findings = {
        {Level::kGood, "model",
         fmt::format("{}: {} layers, vocabulary {}, {:.2f} billion {} values",
                     checkpoint.name, checkpoint.num_layers,
                     checkpoint.vocab_size,
                     static_cast<double>(checkpoint.parameters) * 1e-9,
                     checkpoint.dtype)},
        check_model_memory(machine, checkpoint.spreads, checkpoint.dtype)};
    for (const std::string& note : checkpoint.notes)
      findings.push_back({Level::kNote, "model", note});
    return findings;
  } catch (const InputError& error) {
    return {{Level::kProblem, "model", error.what()}};
  }
}

Finding check_model_memory(const Machine& machine,
                           const std::vector<model::Spread>& spreads,
                           const std::string& checkpoint_dtype) {
  const bool gpu = machine.gpu.usable();
  const bool wide =
      checkpoint_dtype == "float32" ||
      (!gpu && (checkpoint_dtype == "float16" || !machine.cpu.fast_bfloat16()));
  const std::string dtype = wide ? "float32" : "bfloat16";
  const std::int64_t need = weight_bytes(spreads.front().values, dtype);
  const std::int64_t there = free_for_weights(machine);
  const std::string text =
      fmt::format("weights need {:.1f} GB in {} for each worker, {:.1f} GB {}",
                  gigabytes(need), dtype, gigabytes(there),
                  gpu ? "are on a GPU" : "are free");
  if (with_room(need) <= there) return {Level::kGood, "model", text};
  const std::string over = fitting_spreads(machine, spreads, dtype);
  if (!over.empty())
    return {Level::kGood, "model", text + "; give --tensor-parallel " + over};
  const std::int64_t most =
      std::max(there, memory_for_weights(machine, usual_device(machine)));
  std::string remedy = "; take a smaller checkpoint or a larger machine";
  if (wide && !gpu && with_room(need / 2) <= most)
    remedy += ", or --dtype bfloat16";
  // `lens run` refuses what is over the whole memory; what is over the memory
  // that is free now may do once others have left.
  if (need <= most) remedy += ", or end other programs";
  remedy += more_gpus(machine, spreads, dtype);
  return {need > most ? Level::kProblem : Level::kNote, "model", text + remedy};
}

}  // namespace lens::cli
