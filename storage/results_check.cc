#include "storage/results_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_section.h"
#include "storage/invariants.h"
#include "storage/reader.h"
#include "storage/unit_hash.h"

namespace lens::storage {
namespace {

// A block is read at once: this many samples or tokens, whichever comes first,
// but at least one sample.
constexpr std::int64_t kBlockSamples = 8192;
constexpr std::int64_t kBlockTokens = 4096;

ValueRules rules_of(const ResultsReader& reader) {
  const auto config = nlohmann::json::parse(reader.info().config_json, nullptr,
                                            /*allow_exceptions=*/false);
  const auto error = [](const JsonFault&) {
    return std::make_exception_ptr(StorageError(
        "config_json is damaged (no generation_config); merge again"));
  };
  const bool by_generation_config =
      JsonSection(&config, {.error = error}).boolean("generation_config");
  const Vocabulary vocabulary = reader.vocabulary();
  return value_rules(static_cast<std::int64_t>(vocabulary.token_text.size()),
                     by_generation_config, reader.info().dtype);
}

void check_dataset(const ResultsReader& reader, const DatasetSummary& dataset,
                   const ValueRules& rules, VerifyReport& report) {
  const auto offset =
      reader.read_all<std::int64_t>(dataset.name, "token_offset");
  ValueChecker checker("/" + dataset.name, rules);
  const auto add = [&](const std::string& what) {
    report.problems.push_back("/" + dataset.name + ": " + what);
  };
  if (offset.front() != 0 || offset.back() != dataset.tokens ||
      !std::is_sorted(offset.begin(), offset.end())) {
    add("token_offset does not rise from 0 to the number of tokens");
    return;
  }
  const UnitResult first = reader.read_samples(dataset.name, 0, 0);
  table::Extents total = extents_of(first);
  total.samples = dataset.samples;
  total.tokens = dataset.tokens;
  UnitHasher hasher(total);
  if (dataset.samples == 0) hasher.add(first);
  for (std::int64_t begin = 0; begin < dataset.samples;) {
    const auto at = offset.begin() + begin;
    const auto limit = std::upper_bound(at, offset.end(), *at + kBlockTokens);
    const std::int64_t end = std::clamp<std::int64_t>(
        limit - offset.begin() - 1, begin + 1,
        std::min(dataset.samples, begin + kBlockSamples));
    const UnitResult piece = reader.read_samples(dataset.name, begin, end);
    hasher.add(piece);
    checker.check(piece);
    begin = end;
  }
  for (std::string& problem : checker.problems()) {
    report.problems.push_back(std::move(problem));
  }
  if (hasher.finish() != dataset.content_sha256) {
    add("the values do not give content_sha256: a value was changed");
  }
  if (dataset.samples_ok != checker.samples_ok() ||
      dataset.samples_failed != checker.samples_failed()) {
    add("samples_ok and samples_failed do not count the rows");
  }
}

void check_counts(const ResultsReader& reader, VerifyReport& report) {
  const ResultsInfo& info = reader.info();
  std::int64_t total = 0, ok = 0, failed = 0;
  for (const DatasetSummary& dataset : reader.datasets()) {
    total += dataset.samples_total;
    ok += dataset.samples_ok;
    failed += dataset.samples_failed;
    report.samples += dataset.samples;
    report.tokens += dataset.tokens;
    if (dataset.samples > dataset.samples_total) {
      report.problems.push_back("/" + dataset.name +
                                ": more samples than the run has");
    }
  }
  if (total != info.samples_total || ok != info.samples_ok ||
      failed != info.samples_failed) {
    report.problems.push_back(
        "the sample counts at the root are not the sums over the data sets: a "
        "data set is missing or changed");
  }
  if (info.complete != (ok + failed == total)) {
    report.problems.push_back(
        "the attribute complete does not agree with the sample counts");
  }
}

}  // namespace

void check_results(const std::filesystem::path& file, VerifyReport& report) {
  try {
    const ResultsReader reader(file);
    reader.check_scales();
    check_counts(reader, report);
    const ValueRules rules = rules_of(reader);
    for (const DatasetSummary& dataset : reader.datasets()) {
      check_dataset(reader, dataset, rules, report);
    }
  } catch (const StorageError& error) {
    report.problems.push_back(error.what());
  }
}

}  // namespace lens::storage
