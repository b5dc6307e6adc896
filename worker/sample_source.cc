#include "worker/sample_source.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <limits>
#include <thread>
#include <utility>

#include "base/error.h"
#include "input/data/manifest_map.h"
#include "input/data/picture_folder.h"
#include "worker/input_watch.h"

namespace lens::worker {
namespace {

using storage::SampleRecord;
using storage::SampleStatus;

void fail(SampleRecord& record, std::string reason) {
  record.status = SampleStatus::kFailed;
  record.failure = std::move(reason);
}

}  // namespace

// The template is split at its slot, so that a question that spells the slot
// moves nothing.
SampleSource::PromptText SampleSource::fill(std::string_view prompt_template,
                                            std::string_view question) {
  PromptText text;
  const std::size_t slot = prompt_template.find(input::kImageSlot);
  if (slot == std::string_view::npos) {
    text.after_image = data::fill_prompt(prompt_template, question);
    text.whole = text.after_image;
    return text;
  }
  text.before_image =
      data::fill_prompt(prompt_template.substr(0, slot), question);
  text.after_image = data::fill_prompt(
      prompt_template.substr(slot + input::kImageSlot.size()), question);
  text.whole = text.before_image;
  text.whole.append(input::kImageSlot).append(text.after_image);
  return text;
}

SampleSource::SampleSource(const storage::Manifest& manifest,
                           image::PreprocessorConfig preprocessor,
                           const input::PromptBuilder& prompts,
                           PromptLimits limits, int decode_threads)
    : manifest_(manifest),
      preprocessor_(preprocessor),
      prompts_(prompts),
      limits_(limits),
      decode_threads_(decode_threads) {
  preprocessor_.min_pixels = manifest.config.min_pixels;
  preprocessor_.max_pixels = manifest.config.max_pixels;
  preprocessor_.blank = manifest.config.image == storage::kBlankImages;
}

SampleSource::Source& SampleSource::source(const std::string& dataset) {
  if (const auto found = sources_.find(dataset); found != sources_.end()) {
    return found->second;
  }
  const auto input = std::find_if(
      manifest_.datasets.begin(), manifest_.datasets.end(),
      [&](const storage::DatasetInput& each) { return each.name == dataset; });
  if (input == manifest_.datasets.end()) {
    throw InputError("a unit names the data set " + dataset,
                     "the manifest has no such input", "plan the run again");
  }
  std::vector<std::filesystem::path> files;
  for (const storage::InputFile& file : input->files) {
    files.emplace_back(file.path);
  }
  // Before they are opened too: a changed file may be no Parquet file at all.
  require_unchanged(input->files);
  const data::Description description =
      data::description_of(manifest_.config, dataset);
  const auto given = manifest_.config.prompts.find(dataset);
  Source opened{description,
                given == manifest_.config.prompts.end() ? description.prompt
                                                        : given->second,
                data::Dataset(description, files, input->path),
                &input->files,
                data::is_picture_name(input->files.front().path),
                {}};
  for (const storage::InputFile& picture : input->pictures) {
    opened.pictures.emplace(picture.path, &picture);
  }
  return sources_.emplace(dataset, std::move(opened)).first->second;
}

std::vector<SampleSource::DecodedImage> SampleSource::decode(
    const std::vector<data::Row>& rows, const PrepareOptions& options) const {
  const Quarantine& quarantine = options.quarantine;
  const ImageWatch& watch = options.watch;
  std::vector<DecodedImage> decoded(rows.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < rows.size(); i = next++) {
      if (!rows[i].failure.empty()) {
        decoded[i].failure = rows[i].failure;
        continue;
      }
      const std::string& key = rows[i].key;
      if (const auto known = quarantine.find(key); known != quarantine.end()) {
        decoded[i].failure = known->second;
        continue;
      }
      const std::shared_ptr<void> watched = watch ? watch(key) : nullptr;
      try {
        decoded[i].image = image::fit_image(rows[i].image, preprocessor_);
      } catch (const std::exception& problem) {
        // The seam: a bad image is a failed sample, never a dead worker.
        decoded[i].failure = problem.what();
      }
    }
  };
  std::vector<std::jthread> helpers;
  const auto wanted = std::min<std::size_t>(
      options.one_image_at_a_time ? 1 : decode_threads_, rows.size());
  for (std::size_t i = 1; i < wanted; ++i) helpers.emplace_back(work);
  work();
  helpers.clear();  // joins
  return decoded;
}

// Only those that these rows name: a data set may have more pictures than can
// be looked at for every unit.
void SampleSource::check_pictures(const Source& from,
                                  const std::vector<data::Row>& rows) {
  if (from.is_of_pictures) return;  // its files are the pictures
  for (const data::Row& row : rows) {
    if (row.picture.empty()) continue;
    const auto planned = from.pictures.find(row.picture.string());
    if (planned != from.pictures.end()) {
      require_unchanged(*planned->second);
    } else if (row.failure.empty()) {
      throw InputChanged(
          row.picture.string() + " changed since the run was planned",
          "it was not there", "remove it, or start a new run directory");
    }
  }
}

void SampleSource::finish(PreparedSample& sample, const PromptText& text,
                          const DecodedImage& decoded) const {
  SampleRecord& record = sample.record;
  if (!decoded.failure.empty()) return fail(record, decoded.failure);
  const image::FittedImage& image = decoded.image;
  record.image_height = image.source_height;
  record.image_width = image.source_width;
  record.grid_height = image.grid_height;
  record.grid_width = image.grid_width;
  record.image_tokens = image.tokens(preprocessor_.merge_size);
  try {
    sample.prompt = prompts_.build(text.before_image, text.after_image,
                                   record.image_tokens);
  } catch (const InputError& problem) {
    return fail(record, problem.what());
  }
  record.prompt_tokens = static_cast<std::int32_t>(sample.prompt.ids.size());
  if (record.prompt_tokens + limits_.max_new_tokens > limits_.max_tokens) {
    const bool is_mostly_image =
        record.image_tokens > record.prompt_tokens - record.image_tokens;
    fail(record,
         "the prompt has " + std::to_string(record.prompt_tokens) +
             " tokens, " + std::to_string(record.image_tokens) +
             " of them the image's (with " +
             std::to_string(limits_.max_new_tokens) +
             " new ones the model takes " + std::to_string(limits_.max_tokens) +
             "); " +
             (is_mostly_image ? "lower --max-pixels" : "shorten the question"));
  }
}

PreparedUnit SampleSource::prepare(const storage::Unit& unit,
                                   const PrepareOptions& options) {
  const Quarantine& quarantine = options.quarantine;
  Source& from = source(unit.dataset);
  // The weights too: where they are mapped, the model reads them all along.
  const auto check_inputs = [&] {
    require_unchanged(manifest_.model.files);
    require_unchanged(*from.files);
  };
  check_inputs();
  const std::vector<std::string> all;
  const std::vector<data::Row> rows = from.dataset.read(
      unit.row_begin, unit.row_end,
      from.description.columns.language.empty() ? all
                                                : manifest_.config.languages);
  // What was read is of the plan only if nothing changed meanwhile.
  check_inputs();
  check_pictures(from, rows);
  std::vector<DecodedImage> decoded = decode(rows, options);

  PreparedUnit prepared;
  prepared.unit = unit;
  const auto limit = static_cast<std::size_t>(unit.samples);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const data::Row& row = rows[i];
    // A row without readable questions still is one sample: a failed one.
    const std::size_t count = std::max<std::size_t>(1, row.questions.size());
    int image = -1;
    for (std::size_t q = 0; q < count; ++q) {
      // --limit may cut between two questions of a row.
      if (prepared.samples.size() == limit) break;
      PreparedSample sample;
      SampleRecord& record = sample.record;
      const int index = static_cast<int>(q);
      record.sample_id = data::sample_id(from.description, row.key, index);
      record.source_row = row.row;
      record.question_index = index;
      record.language = row.language;
      PromptText text;
      if (q < row.questions.size()) {
        text = fill(from.prompt_template, row.questions[q].question);
        record.prompt = text.whole;
        sample.references = row.questions[q].answers;
        record.reference = data::reference_text(sample.references);
      }
      const auto known = quarantine.find(record.sample_id);
      if (known != quarantine.end()) {
        fail(record, known->second);
      } else {
        finish(sample, text, decoded[i]);
      }
      if (record.status == SampleStatus::kOk) {
        if (image < 0) {
          image = static_cast<int>(prepared.images.size());
          prepared.images.push_back(std::move(decoded[i].image));
          // Later questions still read sizes and tokens of it.
          decoded[i].image = prepared.images.back().without_pixels();
        }
        sample.image = image;
      }
      prepared.samples.push_back(std::move(sample));
    }
  }
  if (prepared.samples.size() != limit) {
    throw InputError("unit " + std::to_string(unit.index) + " of " +
                         unit.dataset + " has " +
                         std::to_string(prepared.samples.size()) + " samples",
                     "the manifest says " + std::to_string(unit.samples),
                     "the data set changed; start a new run directory");
  }
  return prepared;
}

}  // namespace lens::worker
