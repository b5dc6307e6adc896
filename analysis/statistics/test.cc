#include "analysis/statistics/test.h"

namespace lens::analysis::statistics {
namespace {

double image_area(const metrics::SampleRow& row) {
  return static_cast<double>(row.image_height) *
         static_cast<double>(row.image_width);
}
double reference_length(const metrics::SampleRow& row) {
  return static_cast<double>(row.reference_characters);
}
double answer_length(const metrics::SampleRow& row) {
  return static_cast<double>(row.answer_tokens);
}

constexpr TestKind kKinds[] = {
    {.by = GroupBy::kDataset, .asks = "between data sets"},
    {.by = GroupBy::kLanguage, .asks = "between languages"},
    {.by = GroupBy::kScript, .asks = "between scripts"},
    {.by = GroupBy::kVerdict, .asks = "between right and wrong answers"},
    {.asks = "and image area",
     .size_name = "image area",
     .size_of = image_area},
    {.asks = "and reference length",
     .size_name = "reference length",
     .size_of = reference_length},
    {.asks = "and answer length",
     .size_name = "answer length",
     .size_of = answer_length},
};

constexpr TestMethod kTwoGroups = {"Welch's t", "Cohen's d"};
constexpr TestMethod kManyGroups = {"Welch's F", "eta squared"};
constexpr TestMethod kRelation = {"Spearman rho", "Spearman rho"};

}  // namespace

std::span<const TestKind> test_kinds() { return kKinds; }

std::string TestKind::question(const Population& dataset) const {
  return std::string(asks) +
         (of_run() ? run_words(dataset.run) : " of " + dataset.whole().words());
}

std::string TestKind::name(const Population& dataset) const {
  return std::string(kTestedShortly) + " " + question(dataset);
}

std::string Test::question() const {
  return kind->question(populations.front());
}

std::string Test::name() const { return kind->name(populations.front()); }

const TestMethod& Test::method() const {
  if (kind->is_relation()) return kRelation;
  return populations.size() == 2 ? kTwoGroups : kManyGroups;
}

}  // namespace lens::analysis::statistics
