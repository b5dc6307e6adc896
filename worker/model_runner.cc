#include "worker/model_runner.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "engine/engine.h"
#include "input/data/manifest_map.h"
#include "input/data/score.h"
#include "input/text/token_text.h"
#include "lens/deferred.h"
#include "lens/image_attention.h"
#include "lens/readout.h"
#include "model/families.h"
#include "model/open_model.h"
#include "storage/invariants.h"
#include "storage/unit_columns.h"
#include "worker/result_builder.h"

namespace lens::worker {
namespace {

using storage::SampleStatus;

at::ScalarType dtype_of(const std::string& name) {
  if (name == "float32") return at::kFloat;
  if (name == "bfloat16") return at::kBFloat16;
  throw InputError("unknown dtype \"" + name + "\" in the manifest",
                   "float32 and bfloat16 are known", "plan the run again");
}

engine::Engine load_engine(const storage::Manifest& manifest, at::Device device,
                           const model::Ranks& ranks) {
  return {model::open_model(manifest.model.path,
                            dtype_of(manifest.config.dtype), device, ranks),
          engine::Schedule::for_device(device.type())};
}

readout::Head head_of(const model::Model& model,
                      const text::Tokenizer& tokenizer) {
  const model::Head& own = model.head();
  std::vector<std::int64_t> classes;
  for (std::int64_t row = 0; row < own.weight.size(0); ++row) {
    classes.push_back(static_cast<std::int64_t>(text::script_of(
        tokenizer, static_cast<std::int32_t>(own.first_id + row))));
  }
  readout::Head head;
  head.norm_weight = own.norm_weight;
  head.norm_eps = own.norm_eps;
  head.weight = own.weight;
  head.first_id = own.first_id;
  head.ranks = own.ranks;
  head.script_class = at::tensor(classes, at::kLong).to(own.weight.device());
  head.scripts = text::kScriptCount;
  return head;
}

// What the user has said of who reads the weights; nothing: nothing.
std::optional<model::Reading> reading_choice() {
  const char* const said = std::getenv("LENS_READ_WEIGHTS");
  const std::string choice = said ? said : "auto";
  for (const model::Reading reading :
       {model::Reading::kEach, model::Reading::kOnce}) {
    if (choice == model::name_of(reading)) return reading;
  }
  if (choice.empty() || choice == "auto") return std::nullopt;
  throw InputError("LENS_READ_WEIGHTS is \"" + choice + "\"",
                   "each, once and auto are known",
                   "set it to one of them, or not at all");
}

std::vector<int> kept_states(const storage::RunConfig& config, int states) {
  for (const int state : config.save_hidden) {
    if (state < 0 || state >= states) {
      throw InputError(
          "cannot keep state " + std::to_string(state),
          "the model has states 0 to " + std::to_string(states - 1),
          "change --save-hidden");
    }
  }
  return config.save_hidden;
}

// Runs `work`; what libtorch says of memory becomes OutOfMemory.
template <typename Work>
auto guarded(const Work& work) {
  try {
    return work();
  } catch (const c10::OutOfMemoryError& problem) {
    throw OutOfMemory(problem.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw OutOfMemory("the host has no memory left");
  } catch (const c10::Error& problem) {
    const std::string what = problem.what_without_backtrace();
    // On the CPU libtorch has no type for it: the name of its allocator in the
    // text is all that tells.
    if (what.find("DefaultCPUAllocator") != std::string::npos) {
      throw OutOfMemory(what);
    }
    throw;
  }
}

void fail(storage::SampleRecord* record, const std::string& reason) {
  record->status = SampleStatus::kFailed;
  record->failure = reason;
  record->answer.clear();
  record->answer_tokens = 0;
  record->score = std::numeric_limits<float>::quiet_NaN();
}

// True where there are any.
bool fail_bad_samples(const storage::ValueRules& rules,
                      storage::UnitResult* result) {
  const auto bad = storage::bad_samples(*result, rules);
  for (storage::SampleRecord& record : result->samples) {
    const auto found = bad.find(record.sample_id);
    if (found == bad.end()) continue;
    fail(&record, "its values cannot be right: " + found->second);
  }
  return !bad.empty();
}

}  // namespace

struct ModelRunner::Impl {
  Impl(const storage::Manifest& plan, const text::Tokenizer& words,
       at::Device device, std::shared_ptr<collective::Collective> ranks)
      : manifest(plan),
        tokenizer(words),
        selection(TokenSelection::parse(plan.config.tokens)),
        rules(storage::value_rules(plan.model.vocab_size,
                                   plan.config.generation_config,
                                   plan.config.dtype)),
        preprocessor(image::PreprocessorConfig::load(
            plan.model.path,
            model::family_of(plan.model.path).image_processors)),
        described(model::describe(plan.model.path)),
        engine(load_engine(plan, device, {std::move(ranks), reading_choice()})),
        backend(readout::fastest_backend(head_of(engine.model(), words),
                                         plan.config.top_k)),
        kept(kept_states(plan.config, described.shape.num_states())) {}

  storage::UnitResult run(PreparedUnit prepared, bool alone,
                          const Hooks& hooks);
  at::Tensor patches_of(const image::FittedImage& image) const;
  engine::Prompt prompt_of(const PreparedSample& sample) const;
  engine::GenerateOptions options_of(const Hooks& hooks) const;
  void answer(const engine::Generation& generation, data::ScoreRule rule,
              const std::vector<std::string>& references,
              storage::SampleRecord* record) const;

  const storage::Manifest& manifest;
  const text::Tokenizer& tokenizer;
  const TokenSelection selection;
  const storage::ValueRules rules;
  const image::PreprocessorConfig preprocessor;
  const model::Description described;
  const engine::Engine engine;
  const std::unique_ptr<readout::Backend> backend;
  const std::vector<int> kept;
};

// [grid area, patch_dim] float32
at::Tensor ModelRunner::Impl::patches_of(
    const image::FittedImage& image) const {
  const std::int64_t area = std::int64_t{image.grid_height} * image.grid_width;
  const at::Tensor patches = at::empty({area, described.patches.patch_dim()},
                                       at::TensorOptions().dtype(at::kFloat));
  image::write_patches(image, preprocessor,
                       {patches.mutable_data_ptr<float>(),
                        static_cast<std::size_t>(patches.numel())});
  return patches;
}

engine::Prompt ModelRunner::Impl::prompt_of(
    const PreparedSample& sample) const {
  engine::Prompt prompt;
  prompt.ids = sample.prompt.ids;
  prompt.picture = sample.image;
  prompt.wanted.reserve(prompt.ids.size());
  for (const storage::TokenRole role : sample.prompt.roles) {
    prompt.wanted.push_back(selection.takes(role) ? 1 : 0);
  }
  return prompt;
}

engine::GenerateOptions ModelRunner::Impl::options_of(
    const Hooks& hooks) const {
  engine::GenerateOptions options;
  options.max_new_tokens = manifest.config.max_new_tokens;
  options.end_ids = described.generation.end_ids;
  if (manifest.config.generation_config) {
    options.repetition_penalty = described.generation.repetition_penalty;
  }
  options.cancelled = hooks.cancelled;
  options.finished = [&hooks](int) {
    if (hooks.sample_finished) hooks.sample_finished();
  };
  return options;
}

void ModelRunner::Impl::answer(const engine::Generation& generation,
                               data::ScoreRule rule,
                               const std::vector<std::string>& references,
                               storage::SampleRecord* record) const {
  if (!generation.finite) {
    return fail(
        record,
        "the model's logits are no numbers (NaN or infinity, at answer token " +
            std::to_string(generation.ids.size()) + ")");
  }
  std::vector<std::int32_t> ids(generation.ids.begin(), generation.ids.end());
  if (generation.ended) ids.pop_back();
  record->answer = tokenizer.decode(ids, /*skip_special_tokens=*/true);
  record->score = data::score(data::rule_of(rule, record->language),
                              record->answer, references);
}

storage::UnitResult ModelRunner::Impl::run(PreparedUnit prepared, bool alone,
                                           const Hooks& hooks) {
  std::vector<engine::Picture> pictures;
  for (const image::FittedImage& image : prepared.images) {
    pictures.push_back(
        // Asked for when a pass needs it: until then an image waits as pixels,
        // an eighth of the patches.
        {[this, &image] { return patches_of(image); },
         {.height = image.grid_height, .width = image.grid_width}});
  }
  storage::UnitResult result;
  result.tokens = table::TokenRows(
      {.layers = described.shape.num_states(),
       .ranks = manifest.config.top_k,
       .scripts = text::kScriptCount,
       .hidden_layers = static_cast<std::int64_t>(kept.size()),
       .hidden_size = kept.empty() ? 0 : described.shape.hidden_size,
       .columns = storage::columns_kept(manifest.config)});
  result.hidden_layer.assign(kept.begin(), kept.end());

  std::vector<engine::Prompt> prompts;
  std::vector<RanSample> ran;
  for (std::size_t i = 0; i < prepared.samples.size(); ++i) {
    const PreparedSample& sample = prepared.samples[i];
    result.samples.push_back(sample.record);
    if (sample.record.status != SampleStatus::kOk) continue;
    prompts.push_back(prompt_of(sample));
    ran.push_back({i, sample.prompt.roles});
  }
  engine::GenerateOptions options = options_of(hooks);
  options.alone = alone;
  if (hooks.samples_started) {
    options.started = [&](std::span<const int> started) {
      std::vector<std::string> ids;
      for (const int prompt : started) {
        ids.push_back(result.samples[ran[prompt].sample].sample_id);
      }
      hooks.samples_started(ids);
    };
  }
  std::optional<readout::ImageAttention> attention;
  if (manifest.config.attention == storage::kImageAttention) {
    options.observer = &attention.emplace(prompts, engine.model().shape());
  }
  readout::DeferredLens lens(backend.get(), {.kept_states = kept});
  const std::vector<engine::Generation> generations =
      engine.generate(pictures, prompts, options, &lens);
  const readout::LensRows rows = lens.finish();

  const data::ScoreRule rule =
      data::description_of(manifest.config, prepared.unit.dataset).score;
  for (std::size_t i = 0; i < ran.size(); ++i) {
    answer(generations[i], rule, prepared.samples[ran[i].sample].references,
           &result.samples[ran[i].sample]);
  }
  const auto append = [&] {
    append_rows(ran, generations, rows, attention ? &*attention : nullptr,
                selection, &result);
  };
  append();
  // Invariant: what results.h5 could not take is not committed. Such a sample
  // fails, and does not take the file with it.
  if (fail_bad_samples(rules, &result)) {
    remove_rows(&result);
    append();
  }
  return result;
}

ModelRunner::ModelRunner(const storage::Manifest& manifest,
                         const text::Tokenizer& tokenizer,
                         const std::string& device,
                         std::shared_ptr<collective::Collective> ranks)
    : impl_(guarded([&] {
        return std::make_unique<Impl>(manifest, tokenizer, at::Device(device),
                                      std::move(ranks));
      })) {}

ModelRunner::~ModelRunner() = default;

std::int64_t ModelRunner::max_prompt_tokens() const {
  return impl_->described.shape.max_positions;
}

std::int64_t ModelRunner::image_token_id() const {
  return impl_->described.shape.image_token_id;
}

std::string_view ModelRunner::lens_name() const {
  return impl_->backend->name();
}

storage::UnitResult ModelRunner::run(PreparedUnit prepared, bool alone,
                                     const Hooks& hooks) {
  try {
    return guarded(
        [&] { return impl_->run(std::move(prepared), alone, hooks); });
  } catch (const readout::LensMismatch& problem) {
    throw FailedCheck(problem.what());
  } catch (const engine::Cancelled& problem) {
    throw Abandoned(problem.what());
  }
}

}  // namespace lens::worker
