#include "fixtures.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>

#include "storage/manifest_file.h"
#include "storage/part.h"
#include "storage/unit_columns.h"
#include "storage/unit_hash.h"
#include "storage/vocabulary_file.h"

namespace lens::storage::fixtures {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

DatasetInput make_dataset(const std::string& name, int samples) {
  return {.name = name,
          .path = "/data/" + name,
          .files = {{.path = "/data/" + name + "/0.parquet",
                     .bytes = 1000,
                     .modified_ns = 5,
                     .sha256 = std::string(64, name[0] == 'm' ? 'a' : 'b')}},
          .samples = samples};
}

void add_units(Manifest& manifest, const std::string& dataset, int units,
               int samples) {
  for (int i = 0; i < units; ++i) {
    manifest.units.push_back(
        {.index = static_cast<std::int32_t>(manifest.units.size()),
         .dataset = dataset,
         .row_begin = static_cast<std::int64_t>(i) * samples,
         .row_end = static_cast<std::int64_t>(i + 1) * samples,
         .first_sample = static_cast<std::int64_t>(i) * samples,
         .samples = samples});
  }
}

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed) {}
  int integer(int low, int high) {
    return low + static_cast<int>(engine_() %
                                  static_cast<std::uint64_t>(high - low + 1));
  }
  float real(float low, float high) {
    return low + (high - low) * static_cast<float>(engine_() % 10000) / 10000;
  }

 private:
  std::mt19937_64 engine_;
};

// One token row: the last state agrees with the token.
void add_token(UnitResult& result, Draw& draw, int position, TokenRole role) {
  const std::int32_t id = draw.integer(0, kVocabulary - 1);
  result.tokens.get<"token_id">().push_back(id);
  result.tokens.get<"token_position">().push_back(position);
  result.tokens.get<"token_role">().push_back(static_cast<std::uint8_t>(role));
  for (int l = 0; l < result.tokens.widths.layers; ++l) {
    const bool last = l == result.tokens.widths.layers - 1;
    result.tokens.get<"entropy">().push_back(draw.real(0, 5.5f));
    result.tokens.get<"varentropy">().push_back(0.25f * static_cast<float>(l));
    result.tokens.get<"kl_final">().push_back(last ? 0 : draw.real(0, 8));
    result.tokens.get<"target_logprob">().push_back(draw.real(-9, -1));
    result.tokens.get<"target_rank">().push_back(
        last ? 1 : draw.integer(1, kVocabulary));
    float logprob = -0.5f;
    for (int r = 0; r < result.tokens.widths.ranks; ++r) {
      result.tokens.get<"top_id">().push_back(
          last && r == 0 ? id : draw.integer(0, kVocabulary - 1));
      result.tokens.get<"top_logprob">().push_back(logprob);
      logprob -= draw.real(0, 1);
    }
    float rest = 1;
    for (int c = 0; c < result.tokens.widths.scripts; ++c) {
      const float share =
          c == result.tokens.widths.scripts - 1 ? rest : rest / 2;
      result.tokens.get<"script_share">().push_back(share);
      rest -= share;
    }
  }
  const bool looks = result.tokens.widths.has(
      table::kColumns[table::column_index<"image_attention">()]);
  for (int l = 1; looks && l < result.tokens.widths.layers; ++l) {
    const bool said =
        role == TokenRole::kAnswer || role == TokenRole::kEndOfAnswer;
    const float value = said ? draw.real(0, 1) : kNan;
    result.tokens.get<"image_attention">().push_back(value);
    result.tokens.get<"image_attention_max">().push_back(value);
    result.tokens.get<"image_attention_entropy">().push_back(value);
  }
  for (std::size_t i = 0;
       i < result.hidden_layer.size() *
               static_cast<std::size_t>(result.tokens.widths.hidden_size);
       ++i) {
    result.tokens.get<"hidden">().push_back(draw.real(-3, 3));
  }
}

// Sum in double, as the worker does.
std::vector<float> mean_entropy(const UnitResult& result, std::size_t begin,
                                int count) {
  const auto layers = static_cast<std::size_t>(result.tokens.widths.layers);
  std::vector<float> mean(layers, kNan);
  for (std::size_t l = 0; count > 0 && l < layers; ++l) {
    double sum = 0;
    for (std::size_t t = begin; t < begin + static_cast<std::size_t>(count);
         ++t) {
      sum += result.tokens.get<"entropy">()[t * layers + l];
    }
    mean[l] = static_cast<float>(sum / count);
  }
  return mean;
}

void add_sample(UnitResult& result, Draw& draw, std::int64_t row,
                int max_tokens) {
  static const char* const kTexts[] = {"naïve",   "日本語 テキスト",   "Привет",
                                       "العربية", "x^{2}\\frac{a}{b}", "",
                                       "🙂"};
  const std::size_t begin = result.tokens.get<"token_id">().size();
  SampleRecord sample;
  sample.sample_id = std::to_string(row) + ".0";
  sample.source_row = row;
  sample.language = draw.integer(0, 1) ? "RU" : "JA";
  sample.prompt =
      std::string("What is written here?\n") + kTexts[draw.integer(0, 6)];
  sample.reference = kTexts[draw.integer(0, 6)];
  sample.image_height = draw.integer(28, 900);
  sample.image_width = draw.integer(28, 900);
  if (row % 4 == 3) {
    sample.status = SampleStatus::kFailed;
    sample.failure = "the image is cut short";
    sample.entropy_mean.assign(
        static_cast<std::size_t>(result.tokens.widths.layers), kNan);
  } else {
    sample.answer = kTexts[draw.integer(0, 6)];
    sample.grid_height = sample.image_height / 14;
    sample.grid_width = sample.image_width / 14;
    sample.image_tokens = draw.integer(4, 300);
    sample.prompt_tokens = sample.image_tokens + draw.integer(10, 40);
    sample.answer_tokens = row % 4 == 2 ? 0 : draw.integer(1, max_tokens);
    sample.score = draw.real(0, 1);
    for (int t = 0; t < sample.answer_tokens; ++t) {
      add_token(result, draw, sample.prompt_tokens + t, TokenRole::kAnswer);
    }
    sample.entropy_mean = mean_entropy(result, begin, sample.answer_tokens);
    // Some samples own no row at all.
    if (row % 8 != 2) {
      add_token(result, draw, sample.prompt_tokens + sample.answer_tokens,
                TokenRole::kEndOfAnswer);
    }
  }
  result.samples.push_back(std::move(sample));
  result.token_offset.push_back(
      static_cast<std::int64_t>(result.tokens.get<"token_id">().size()));
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name =
      (std::filesystem::temp_directory_path() / "lens-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Manifest make_manifest(const RunShape& shape) {
  Manifest manifest;
  manifest.config.device = "cpu";
  manifest.config.dtype = "float32";
  manifest.config.top_k = kRanks;
  manifest.config.max_pixels = 1 << 20;
  manifest.config.prompts = {{"latex_ocr", "Read."}, {"mtvqa", "{question}"}};
  if (shape.hidden) manifest.config.save_hidden = {0, 3};
  if (shape.attention) manifest.config.attention = kImageAttention;
  manifest.model = {.path = "/models/small",
                    .name = "small",
                    .sha256 = std::string(64, 'c'),
                    .tokenizer_sha256 = std::string(64, 'd'),
                    .files = {},
                    .num_layers = kLayers - 1,
                    .vocab_size = kVocabulary,
                    .hidden_size = kHiddenSize};
  manifest.datasets = {
      make_dataset("mtvqa", shape.mtvqa_units * shape.samples_per_unit),
      make_dataset("latex_ocr", shape.latex_units * shape.samples_per_unit)};
  add_units(manifest, "mtvqa", shape.mtvqa_units, shape.samples_per_unit);
  add_units(manifest, "latex_ocr", shape.latex_units, shape.samples_per_unit);
  manifest.run_id = run_identity(manifest);
  return manifest;
}

Vocabulary make_vocabulary() {
  Vocabulary vocabulary;
  vocabulary.script_names = {"Latin", "Han", "Cyrillic", "other"};
  for (int id = 0; id < kVocabulary; ++id) {
    vocabulary.token_text.push_back(id == 7 ? std::string("\xE4\xB8")
                                            : "é" + std::to_string(id));
    vocabulary.token_script.push_back(static_cast<std::uint8_t>(id % 4));
  }
  return vocabulary;
}

UnitResult make_result(const Manifest& manifest, std::int32_t unit,
                       int max_tokens) {
  UnitResult result;
  const auto kept =
      static_cast<std::int64_t>(manifest.config.save_hidden.size());
  result.tokens = table::TokenRows(
      {.layers = manifest.model.num_layers + 1,
       .ranks = manifest.config.top_k,
       .scripts = kScripts,
       .hidden_layers = kept,
       .hidden_size = kept > 0 ? manifest.model.hidden_size : 0,
       .columns = columns_kept(manifest.config)});
  result.hidden_layer.assign(manifest.config.save_hidden.begin(),
                             manifest.config.save_hidden.end());
  Draw draw(static_cast<std::uint64_t>(unit) + 1);
  const Unit& plan = manifest.units[static_cast<std::size_t>(unit)];
  for (std::int64_t row = plan.row_begin; row < plan.row_end; ++row) {
    add_sample(result, draw, row, max_tokens);
  }
  return result;
}

PartHeader make_header(const Manifest& manifest, std::int32_t unit,
                       std::uint64_t epoch, std::uint64_t number) {
  return {.run_id = manifest.run_id,
          .dataset = manifest.units[static_cast<std::size_t>(unit)].dataset,
          .unit = unit,
          .epoch = epoch,
          .number = number,
          .device_name = unit % 2 ? "CPU B" : "CPU A"};
}

CommittedPart write_unit(const RunDirectory& run, const Manifest& manifest,
                         std::int32_t unit, std::uint64_t epoch,
                         std::uint64_t number, int max_tokens) {
  const PartHeader header = make_header(manifest, unit, epoch, number);
  return {.unit = unit,
          .receipt = write_part(
              run.root(), run.part(header.dataset, unit, epoch, number), header,
              make_result(manifest, unit, max_tokens))};
}

std::vector<CommittedPart> write_run(const RunDirectory& run,
                                     const Manifest& manifest, int max_tokens) {
  write_manifest(run.manifest(), manifest);
  write_vocabulary(run.vocabulary(), make_vocabulary());
  std::vector<CommittedPart> parts;
  for (const Unit& unit : manifest.units) {
    parts.push_back(write_unit(run, manifest, unit.index, 1,
                               static_cast<std::uint64_t>(unit.index) + 1,
                               max_tokens));
  }
  return parts;
}

std::string read_bytes(const std::filesystem::path& file) {
  std::ifstream input(file, std::ios::binary);
  std::ostringstream text;
  text << input.rdbuf();
  return text.str();
}

void write_bytes(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

bool same(const UnitResult& a, const UnitResult& b) {
  // The checksum covers every column bit by bit.
  return a.samples.size() == b.samples.size() &&
         a.token_offset == b.token_offset && a.hidden_layer == b.hidden_layer &&
         content_sha256(a) == content_sha256(b);
}

}  // namespace lens::storage::fixtures
