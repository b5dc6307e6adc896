#include "analysis/report/sample_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace lens::analysis::report {
namespace {

// Entropy falls from 10 to `last` at layer `onset`.
metrics::SampleRow make_row(int index, const std::string& language,
                            metrics::Verdict verdict, int onset = 3,
                            float last = 1) {
  metrics::SampleRow row;
  row.sample = index;
  row.sample_id = std::to_string(index);
  row.language = language;
  row.ok = true;
  row.verdict = verdict;
  row.tokens = 4;
  for (int layer = 0; layer < 6; ++layer)
    row.entropy.push_back(layer < onset ? 10 : last);
  return row;
}

metrics::SampleTable make_table(const std::string& dataset, int samples) {
  metrics::SampleTable table;
  table.population.dataset = dataset;
  table.layers = 6;
  const char* const languages[] = {"AR", "JA", "RU"};
  for (int i = 0; i < samples; ++i)
    table.rows.push_back(make_row(
        i, languages[i % 3],
        i % 2 == 0 ? metrics::Verdict::kRight : metrics::Verdict::kWrong, 3,
        1 + 0.001f * static_cast<float>(i * 37 % samples)));
  return table;
}

std::set<std::pair<std::size_t, std::size_t>> as_set(
    const std::vector<SampleKey>& keys) {
  std::set<std::pair<std::size_t, std::size_t>> set;
  for (const SampleKey& key : keys) set.insert({key.table, key.row});
  return set;
}

TEST(SpreadOrder, NamesEveryPlaceOnceTheEndsFirst) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<std::size_t> order = spread_order(size);
    ASSERT_EQ(order.size(), size);
    if (size > 2) {
      EXPECT_EQ(order[0], 0u);
      EXPECT_EQ(order[1], size - 1);
      EXPECT_EQ(order[2], size / 2);
    }
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(order[i], i);
  }
}

TEST(ChooseSamples, CoversDataSetsLanguagesAndVerdicts) {
  const std::vector<metrics::SampleTable> tables = {
      make_table("latex_ocr", 300), make_table("mtvqa", 500)};
  const std::vector<SampleKey> keys = choose_samples(tables, 40);
  ASSERT_EQ(keys.size(), 40u);
  EXPECT_EQ(as_set(keys).size(), 40u);
  for (std::size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(std::count_if(keys.begin(), keys.end(),
                            [t](auto& key) { return key.table == t; }),
              20);
    std::set<std::pair<std::string, metrics::Verdict>> groups;
    for (const SampleKey& key : keys)
      if (key.table == t)
        groups.insert({tables[t].rows[key.row].language,
                       tables[t].rows[key.row].verdict});
    EXPECT_EQ(groups.size(), 6u);
  }
}

TEST(ChooseSamples, ShorterListIsAPrefixOfALongerOne) {
  const std::vector<metrics::SampleTable> tables = {make_table("a", 50),
                                                    make_table("b", 20)};
  const std::vector<SampleKey> all = choose_samples(tables, 1000);
  EXPECT_EQ(all.size(), 70u);
  for (const std::size_t count : {0u, 1u, 13u, 69u})
    EXPECT_EQ(choose_samples(tables, count),
              std::vector(all.begin(), all.begin() + count));
}

TEST(ChooseSamples, TakesTheExtremesFirst) {
  std::vector<metrics::SampleTable> tables = {make_table("mtvqa", 200)};
  auto& rows = tables[0].rows;
  rows[41] = make_row(41, "RU", metrics::Verdict::kRight, 1);  // earliest onset
  rows[83] = make_row(83, "RU", metrics::Verdict::kRight, 5);  // latest
  rows[120] = make_row(120, "AR", metrics::Verdict::kWrong, 3, 0.01f);  // sure
  rows[160] = make_row(160, "AR", metrics::Verdict::kWrong, 3, 8);  // unsure
  rows[7].tokens = 60;                                              // longest
  std::vector<std::size_t> chosen;
  for (const SampleKey& key : choose_samples(tables, 5))
    chosen.push_back(key.row);
  EXPECT_THAT(chosen, testing::ElementsAre(41, 83, 120, 160, 7));
}

TEST(ChooseSamples, NeverTakesFailedOrEmptyOnes) {
  std::vector<metrics::SampleTable> tables = {make_table("mtvqa", 10)};
  for (const int i : {2, 5}) {
    tables[0].rows[i].tokens = 0;
    tables[0].rows[i].entropy.clear();
    tables[0].rows[i].ok = false;
  }
  const std::vector<SampleKey> keys = choose_samples(tables, 40);
  EXPECT_EQ(keys.size(), 8u);
  for (const SampleKey& key : keys) EXPECT_TRUE(tables[0].rows[key.row].ok);
}

}  // namespace
}  // namespace lens::analysis::report
