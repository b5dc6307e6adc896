#include "analysis/diff/run_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <set>
#include <tuple>

#include "analysis/diff/divergence.h"
#include "analysis/metrics/sample_table.h"
#include "base/error.h"

namespace lens::analysis::diff {
namespace {

using metrics::SampleRow;
using metrics::SampleTable;
using metrics::Verdict;

constexpr std::int64_t kTextRows = 2048;

// A state of a model of 28 layers has no counterpart in one of 36: where in
// the depth it would be is a guess that every number would carry.
void check_layers(const Source& a, const Source& b) {
  if (a.results.layers() == b.results.layers()) return;
  throw InputError(
      "cannot compare these runs layer by layer",
      fmt::format("A has {} states and B {}: a layer of one has no counterpart "
                  "in the other",
                  a.results.layers(), b.results.layers()),
      "look at each alone with lens report");
}

std::set<std::string> dataset_names(const Source& a, const Source& b) {
  std::set<std::string> names;
  for (const Source* source : {&a, &b})
    for (const storage::DatasetSummary& dataset : source->results.datasets())
      names.insert(dataset.name);
  return names;
}

bool has(const Source& source, const std::string& dataset) {
  const auto& all = source.results.datasets();
  return std::any_of(all.begin(), all.end(), [&](const auto& summary) {
    return summary.name == dataset;
  });
}

// What is held of a data set while the runs are compared.
struct OpenDataset {
  DatasetDiff diff;
  WrittenAnswers written_a, written_b;
  SampleTable table_a, table_b;
  std::vector<PairedSample> pairs;  // with tokens that are compared
};

class Comparer {
 public:
  Comparer(const Source& a, const Source& b, const DiffOptions& options)
      : a_(a),
        b_(b),
        options_(options),
        vocabularies_(a.vocabulary, b.vocabulary) {}

  RunDiff compare() {
    check_layers(a_, b_);
    describe();
    for (const std::string& name : dataset_names(a_, b_)) add_dataset(name);
    require_pairs();
    study();
    open_answers();
    for (OpenDataset& dataset : datasets_)
      diff_.datasets.push_back(std::move(dataset.diff));
    return std::move(diff_);
  }

 private:
  void tell(const std::string& what) const {
    if (options_.study.progress) options_.study.progress(what);
  }

  void describe() {
    diff_.options = options_;
    diff_.names = {a_.file.string(), b_.file.string()};
    diff_.infos = {a_.results.info(), b_.results.info()};
    diff_.settings = differing_settings(a_, b_);
    diff_.layers = static_cast<int>(a_.results.layers());
    if (vocabularies_.same_scripts())
      diff_.script_names = a_.results.script_names();
    diff_.largest_entropy = std::log(static_cast<double>(std::max(
        a_.vocabulary.token_text.size(), b_.vocabulary.token_text.size())));
    for (const std::string& note : a_.notes)
      diff_.notes.push_back("Run A: " + note);
    for (const std::string& note : b_.notes)
      diff_.notes.push_back("Run B: " + note);
    if (!vocabularies_.same())
      diff_.notes.push_back(
          "The runs have other vocabularies: their entropies, divergences and "
          "ranks are not compared. Answers are compared by the texts of their "
          "tokens.");
    if (!vocabularies_.same_scripts())
      diff_.notes.push_back(
          "The runs have other script classes, which are not compared.");
  }

  void add_dataset(const std::string& name) {
    OpenDataset& dataset = datasets_.emplace_back();
    tell("answers of " + name);
    dataset.written_a = read_answers(a_.results, name);
    dataset.written_b = read_answers(b_.results, name);
    dataset.diff.pairing = pair_samples(name, dataset.written_a.samples,
                                        dataset.written_b.samples);
    if (dataset.diff.pairing.pairs.empty()) return;
    std::vector<std::int32_t> most_a(dataset.written_a.samples.size(), 0);
    std::vector<std::int32_t> most_b(dataset.written_b.samples.size(), 0);
    std::vector<Divergence> divergences;
    for (const Pairing::Pair pair : dataset.diff.pairing.pairs) {
      divergences.push_back(find_divergence(dataset.written_a.answers[pair.a],
                                            dataset.written_b.answers[pair.b],
                                            vocabularies_));
      most_a[pair.a] = most_b[pair.b] = divergences.back().compared;
    }
    dataset.table_a = read_table(a_, "A", name, std::move(most_a));
    dataset.table_b = read_table(b_, "B", name, std::move(most_b));
    add_pairs(dataset, divergences);
    note_pairing(dataset.diff);
  }

  SampleTable read_table(const Source& source, const char* run,
                         const std::string& name,
                         std::vector<std::int32_t> most_tokens) const {
    tell("reading " + name + " of run " + run);
    return metrics::read_sample_table(source.results, name,
                                      {.onset = options_.study.onset,
                                       .right_score = options_.right_score,
                                       .most_tokens = std::move(most_tokens)});
  }

  void add_pairs(OpenDataset& dataset,
                 const std::vector<Divergence>& divergences) {
    const Pairing& pairing = dataset.diff.pairing;
    for (std::size_t i = 0; i < pairing.pairs.size(); ++i) {
      const auto [at_a, at_b] = pairing.pairs[i];
      const SampleRow& a = dataset.table_a.rows[at_a];
      const SampleRow& b = dataset.table_b.rows[at_b];
      count_verdicts(a, b, dataset.diff);
      if (a.image_height != b.image_height || a.image_width != b.image_width)
        ++dataset.diff.other_pictures;
      const PairedSample pair = {&a, &b};
      if (pair.has_tokens())
        dataset.pairs.push_back(pair);
      else
        ++dataset.diff.without_tokens;
      if (!divergences[i].changed) continue;
      ++dataset.diff.changed;
      ChangedAnswer& changed = diff_.changed.emplace_back();
      changed.dataset = pairing.dataset;
      changed.sample_id = a.sample_id;
      changed.language = a.language;
      changed.row_a = at_a;
      changed.row_b = at_b;
      changed.position = divergences[i].position;
      changed.score_a = a.score;
      changed.score_b = b.score;
      changed.verdict_changed = a.verdict != b.verdict;
    }
  }

  static void count_verdicts(const SampleRow& a, const SampleRow& b,
                             DatasetDiff& diff) {
    if (a.verdict == Verdict::kUnknown || b.verdict == Verdict::kUnknown)
      return;
    ++diff.verdicts[a.verdict == Verdict::kWrong][b.verdict == Verdict::kWrong];
  }

  void note_pairing(const DatasetDiff& diff) {
    const Pairing& pairing = diff.pairing;
    const auto note = [&](std::size_t count, const char* what) {
      if (count > 0)
        diff_.notes.push_back(
            fmt::format("{}: {} {}.", pairing.dataset, count, what));
    };
    note(pairing.only_a.size(), "in A alone");
    note(pairing.only_b.size(), "in B alone");
    note(pairing.failed_a.size(), "failed in A alone");
    note(pairing.failed_b.size(), "failed in B alone");
    note(pairing.failed_both.size(), "failed in both runs");
    note(pairing.doubled.size(),
         "with an id that stands more than once in a run, not paired");
    note(static_cast<std::size_t>(diff.without_tokens),
         "paired without an answer token to compare: an answer is empty");
    note(static_cast<std::size_t>(diff.other_pictures),
         "paired with pictures of other sizes: equal ids may be of other "
         "samples");
  }

  void require_pairs() {
    for (OpenDataset& dataset : datasets_) {
      if (!dataset.diff.pairing.pairs.empty()) continue;
      const std::string& name = dataset.diff.pairing.dataset;
      if (has(a_, name) && has(b_, name))
        note_pairing(dataset.diff);
      else
        diff_.notes.push_back(
            fmt::format("{} is in run {} alone, with {} samples.", name,
                        has(a_, name) ? "A" : "B",
                        dataset.written_a.samples.size() +
                            dataset.written_b.samples.size()));
    }
    if (std::none_of(datasets_.begin(), datasets_.end(), [](const auto& each) {
          return !each.diff.pairing.pairs.empty();
        }))
      throw InputError("cannot compare these runs",
                       "no sample that is ok in both has one data set and id",
                       "give two runs over the same data");
  }

  void study() {
    std::vector<PairedSamples> samples;
    for (OpenDataset& dataset : datasets_)
      if (!dataset.pairs.empty())
        samples.push_back(by_picture({.dataset = dataset.diff.pairing.dataset},
                                     dataset.pairs));
    const std::vector<const CurveMeasure*> measures = measures_of(
        samples, vocabularies_.same(), vocabularies_.same_scripts());
    for (const PairedSamples& dataset : samples)
      for (const GroupBy by : {GroupBy::kDataset, GroupBy::kLanguage,
                               GroupBy::kScript, GroupBy::kVerdict})
        for (const PairedSamples& group : groups_of(dataset, by)) {
          tell("group: " + group.population.words());
          diff_.groups.push_back(study_pairs(group, measures, options_.study));
        }
    diff_.tests =
        test_pairs(samples, measures, diff_.script_names, options_.study);
  }

  void open_answers() {
    read_answer_texts();
    std::size_t left = options_.opened;
    for (const std::size_t i : opening_order(diff_.changed)) {
      if (left == 0) break;
      --left;
      ChangedAnswer& changed = diff_.changed[i];
      const OpenDataset& dataset = *std::find_if(
          datasets_.begin(), datasets_.end(), [&](const OpenDataset& each) {
            return each.diff.pairing.dataset == changed.dataset;
          });
      open_answer(a_, b_, vocabularies_,
                  dataset.written_a.answers[changed.row_a],
                  dataset.written_b.answers[changed.row_b], changed);
    }
  }

  // Some thousand rows at a time, of which those that changed are kept.
  void read_answer_texts() {
    read_texts(a_, &ChangedAnswer::row_a, &ChangedAnswer::answer_a);
    read_texts(b_, &ChangedAnswer::row_b, &ChangedAnswer::answer_b);
  }
  void read_texts(const Source& source, std::size_t ChangedAnswer::*row,
                  std::string ChangedAnswer::*text) {
    std::vector<ChangedAnswer*> by_row;
    for (ChangedAnswer& changed : diff_.changed) by_row.push_back(&changed);
    std::sort(by_row.begin(), by_row.end(),
              [row](const ChangedAnswer* x, const ChangedAnswer* y) {
                return std::tie(x->dataset, x->*row) <
                       std::tie(y->dataset, y->*row);
              });
    std::string dataset;
    std::int64_t begin = 0;
    std::vector<std::string> texts;
    for (ChangedAnswer* changed : by_row) {
      const auto at = static_cast<std::int64_t>(changed->*row);
      if (changed->dataset != dataset ||
          at >= begin + static_cast<std::int64_t>(texts.size())) {
        dataset = changed->dataset;
        begin = at;
        texts = source.results.read<std::string>(
            dataset, "answer", begin,
            std::min(begin + kTextRows,
                     source.results.dataset(dataset).samples));
      }
      changed->*text = texts[static_cast<std::size_t>(at - begin)];
    }
  }

  const Source& a_;
  const Source& b_;
  const DiffOptions& options_;
  const VocabularyPair vocabularies_;
  RunDiff diff_;
  // Pairs point into the tables, which stay where they are.
  std::deque<OpenDataset> datasets_;
};

}  // namespace

RunDiff make_diff(const Source& a, const Source& b,
                  const DiffOptions& options) {
  return Comparer(a, b, options).compare();
}

}  // namespace lens::analysis::diff
