#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "storage/unit_result.h"
#include "table/columns.h"
#include "table/values.h"

namespace lens::storage {

// What the values of docs/format.md, section 5, depend on.
struct ValueRules {
  std::int64_t vocabulary_size = 0;
  // Decoding took the top token: no processors.
  bool greedy = true;
  // A top-1 of the last state that is not the emitted token is no violation
  // when its log-probability is larger by no more than this.
  double near_tie_nats = 0.01;
};

ValueRules value_rules(std::int64_t vocabulary_size, bool generation_config,
                       const std::string& dtype);

// Checks the values of samples, one after another as they stand in a data set.
class SampleChecker {
 public:
  explicit SampleChecker(ValueRules rules);

  // What is wrong with sample `index` of the piece and its tokens; empty where
  // all holds. The piece holds the promises of check_unit().
  std::vector<std::string> check(const UnitResult& piece, std::size_t index);

 private:
  // Of a column that says nothing of this token.
  void check_absent(const table::Column& column,
                    const table::ColumnView& values);
  void check_order(const SampleRecord& sample);
  void check_record(const SampleRecord& sample);
  void check_token(const UnitResult& piece, std::size_t token);
  void check_last_state(const table::TokenRows& rows, std::size_t token);
  void check_mean(const UnitResult& piece, std::size_t index);
  void check_range(const table::Column& column,
                   const table::ColumnView& values);
  void problem(const std::string& what);

  const ValueRules rules_;
  std::vector<table::Range> ranges_;  // by table::index_of()
  std::string where_;                 // "" or the token looked at
  std::vector<std::string> problems_;
  std::int64_t last_row_ = -1;
  std::int64_t last_question_ = -1;
};

// The samples of one unit whose values break a rule, with the first thing that
// is wrong, by sample_id. For who has just computed them: such a sample fails
// alone, where a results file with it would be refused as a whole. One pass
// over the values. `unit` holds the promises of check_unit().
std::map<std::string, std::string> bad_samples(const UnitResult& unit,
                                               const ValueRules& rules);

// Checks the values of consecutive pieces of one data set. Collects problems,
// one line each; after kMaxProblems it only counts.
class ValueChecker {
 public:
  ValueChecker(std::string name, ValueRules rules);

  // The piece holds the promises of check_unit().
  void check(const UnitResult& piece);

  std::int64_t samples_ok() const { return samples_ok_; }
  std::int64_t samples_failed() const { return samples_failed_; }

  // With a last line that counts what was left out.
  std::vector<std::string> problems() const;

  static constexpr std::size_t kMaxProblems = 10;

 private:
  const std::string name_;
  SampleChecker checker_;
  std::int64_t samples_ok_ = 0;
  std::int64_t samples_failed_ = 0;
  std::vector<std::string> problems_;
  std::int64_t left_out_ = 0;
};

}  // namespace lens::storage
