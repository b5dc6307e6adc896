#include "analysis/population.h"

namespace lens::analysis {
namespace {

// What follows short_words(): "", " of mtvqa", " answers of mtvqa (run B)".
std::string owner_words(const Population& population) {
  if (population.by == GroupBy::kDataset) return "";
  return (population.by == GroupBy::kVerdict ? " answers of " : " of ") +
         population.whole().short_words();
}

}  // namespace

std::string_view key_of(GroupBy by) {
  switch (by) {
    case GroupBy::kDataset:
      return "dataset";
    case GroupBy::kLanguage:
      return "language";
    case GroupBy::kScript:
      return "script";
    case GroupBy::kVerdict:
      return "verdict";
  }
  return "";
}

std::string run_words(std::string_view run) {
  return run.empty() ? "" : " (run " + std::string(run) + ")";
}

std::string Population::words() const {
  return short_words() + owner_words(*this);
}

std::string Population::short_words() const {
  return by == GroupBy::kDataset ? dataset + run_words(run) : value;
}

std::string Population::key() const {
  return (run.empty() ? "" : run + "/") + dataset + "/" +
         std::string(key_of(by)) + "/" + value;
}

std::string Population::file_key() const {
  return (run.empty() ? "" : run + "-") + dataset;
}

std::string words_of(const Population& first, const Population& second) {
  return first.short_words() + " and " + second.short_words() +
         owner_words(first);
}

}  // namespace lens::analysis
