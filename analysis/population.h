#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace lens::analysis {

// What makes a group of samples: that they are of one data set, or a property
// that they share besides.
enum class GroupBy { kDataset, kLanguage, kScript, kVerdict };

// "dataset", "language", "script", "verdict". Stands in files and names random
// streams: must not change.
std::string_view key_of(GroupBy by);

// Whose numbers something is: samples of one data set, as one run has them,
// that share a property. Every statistic, curve and record of a group names it.
struct Population {
  // Tells the run from the others that stand beside it; "" where there is one,
  // which then goes unmentioned.
  std::string run = {};
  std::string dataset = {};
  GroupBy by = GroupBy::kDataset;
  std::string value = {};  // "RU", "Cyrillic", "right"; "" for the data set

  auto operator<=>(const Population&) const = default;

  // Within its data set, or its run: "mtvqa", "RU", "right".
  const std::string& name() const {
    return by == GroupBy::kDataset ? dataset : value;
  }
  // For people: "mtvqa", "RU of mtvqa", "right answers of mtvqa (run B)".
  std::string words() const;
  // The same among its like: "mtvqa", "RU", "right"; "mtvqa (run B)".
  std::string short_words() const;
  // For files: "mtvqa/dataset/", "mtvqa/language/RU", "B/mtvqa/language/RU".
  std::string key() const;
  // Of a file's name, by run and data set: "mtvqa", "B-mtvqa".
  std::string file_key() const;

  // All samples of its data set.
  Population whole() const { return {.run = run, .dataset = dataset}; }
  // The same in whatever run. What is drawn at random goes by it, so that the
  // numbers of a run are the same beside another as alone, and two runs over
  // one data set draw the same pictures.
  Population of_any_run() const {
    return {.dataset = dataset, .by = by, .value = value};
  }
};

// " (run B)", "" where there is one run.
std::string run_words(std::string_view run);

// Two at once: "latex_ocr and mtvqa", "right and wrong answers of mtvqa".
std::string words_of(const Population& first, const Population& second);

}  // namespace lens::analysis
