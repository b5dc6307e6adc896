#include "input/text/tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/utf8.h"
#include "tests/input/text/scratch_checkpoint.h"

namespace lens::text {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(Qwen2Tokenizer, GivesTheKnownIds) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  EXPECT_EQ(tokenizer.size(), 151657);
  EXPECT_EQ(tokenizer.encode("Hello world"), (Ids{9707, 1879}));
  EXPECT_EQ(tokenizer.encode(" Hello"), (Ids{21927}));
  EXPECT_EQ(tokenizer.encode("\n"), (Ids{198}));
  EXPECT_EQ(tokenizer.encode("\n\n"), (Ids{271}));
  EXPECT_EQ(tokenizer.encode("\t\n"), (Ids{1572}));
  EXPECT_EQ(tokenizer.encode("  "), (Ids{256}));
  EXPECT_EQ(tokenizer.encode("333"), (Ids{18, 18, 18}));
  EXPECT_EQ(tokenizer.encode("' era"), (Ids{6, 11385}));
  EXPECT_EQ(tokenizer.encode(""), Ids{});
  EXPECT_EQ(tokenizer.encode("<|im_start|>system\nYou are a helpful "
                             "assistant.<|im_end|>\n<|im_start|>user\n"),
            (Ids{151644, 8948, 198, 2610, 525, 264, 10950, 17847, 13, 151645,
                 198, 151644, 872, 198}));
}

TEST(Qwen2Tokenizer, NormalisesBeforeItSplits) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  EXPECT_EQ(tokenizer.encode("Vie\u0302\u0323t"),
            tokenizer.encode("Vi\u1ec7t"));
  EXPECT_EQ(tokenizer.encode("\u1112\u1161\u11ab"), tokenizer.encode("\ud55c"));
  EXPECT_EQ(tokenizer.encode("<|im_end|>\u0338").front(), 151645)
      << "control tokens are found before";
}

TEST(Qwen2Tokenizer, EveryTokenReadsBackAsItsBytes) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  std::string all;
  Ids ids;
  for (std::int32_t id = 0; id < tokenizer.size(); ++id) {
    ASSERT_TRUE(tokenizer.has_token(id));
    ASSERT_FALSE(tokenizer.token_bytes(id).empty());
    all += tokenizer.token_bytes(id);
    ids.push_back(id);
  }
  EXPECT_EQ(tokenizer.decode(ids), lossy_utf8(all));
  EXPECT_EQ(tokenizer.token_bytes(0), "!");
  EXPECT_EQ(tokenizer.token_bytes(21927), " Hello");
}

TEST(Qwen2Tokenizer, DecodesListsAsAWhole) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  const std::string text =
      "\U0001F469\u200d\U0001F467 \u0e01\u0e33 \u6f22\u5b57";
  const Ids ids = tokenizer.encode(text);
  EXPECT_EQ(tokenizer.decode(ids), text);
  const Ids noisy = {-1, 9707, 151645, 151657, 2147483647, -2147483647 - 1};
  EXPECT_EQ(tokenizer.decode(noisy), "Hello<|im_end|>");
  EXPECT_EQ(tokenizer.decode(noisy, true), "Hello");
}

TEST(Qwen2Tokenizer, KnowsItsControlTokens) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  EXPECT_EQ(tokenizer.id_of("<|image_pad|>"), 151655);
  EXPECT_EQ(tokenizer.id_of("\u0120Hello"), 21927);
  EXPECT_FALSE(tokenizer.id_of("<|nothing|>").has_value());
  for (std::int32_t id = 151643; id < 151657; ++id) {
    EXPECT_TRUE(tokenizer.is_added(id) && tokenizer.is_special(id)) << id;
  }
  for (const std::int32_t id : {0, 151642, 151657, -1}) {
    EXPECT_FALSE(tokenizer.is_added(id) || tokenizer.is_special(id)) << id;
  }
}

TEST(Qwen2Tokenizer, RepairsInvalidTextFirst) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  EXPECT_EQ(tokenizer.encode("a\xE2\x82 b"), tokenizer.encode("a\uFFFD b"));
  EXPECT_EQ(tokenizer.encode("\xFF<|im_end|>"),
            tokenizer.encode("\uFFFD<|im_end|>"));
}

TEST(Qwen2Tokenizer, LongTextsOfAnyKindTakeLinearTime) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  const auto start = std::chrono::steady_clock::now();
  for (const std::string unit : {"a", " ", "\n", "!", "'", "<|im_", "e\u0301",
                                 "\u0e44", " \n ", "\u0301", "<"}) {
    std::string text;
    while (text.size() < 100000) text += unit;
    const Ids ids = tokenizer.encode(text);
    EXPECT_FALSE(ids.empty());
    EXPECT_LE(ids.size(), text.size());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(Qwen2Tokenizer, ThreadsShareIt) {
  const Tokenizer& tokenizer = qwen2_tokenizer();
  const std::string text = "Vie\u0302\u0323t <|im_end|> \\frac { 1 } { 2 }";
  const Ids expected = tokenizer.encode(text);
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  for (int& count : equal) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) count += tokenizer.encode(text) == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(4, 200));
}

TEST(SmallTokenizer, TakesItsAlphabetAndControlTokensFromTheFiles) {
  const ScratchCheckpoint checkpoint;
  checkpoint.write(
      "tokenizer.json",
      tokenizer_json(R"({"b":0,"a":1,"ba":4,"<eos>":2})", R"([["b","a"]])",
                     R"([{"id":2,"content":"<eos>","special":true},
              {"id":9,"content":"<img>","special":true,"rstrip":true}])"));
  const Tokenizer tokenizer = checkpoint.load();
  EXPECT_EQ(tokenizer.encode("bab<img>  <eos>cba"), (Ids{4, 0, 9, 2, 4}))
      << "c has no token";
  EXPECT_EQ(tokenizer.size(), 10);
  EXPECT_FALSE(tokenizer.has_token(3));
  EXPECT_EQ(tokenizer.token_bytes(3), "");
  EXPECT_EQ(tokenizer.decode(Ids{4, 3, 9, 0, 2}), "ba<img>b<eos>");
  EXPECT_EQ(tokenizer.decode(Ids{4, 3, 9, 0, 2}, true), "bab");
}

TEST(SmallTokenizer, MovesLeaveAWorkingTokenizer) {
  const ScratchCheckpoint checkpoint;
  checkpoint.write("tokenizer.json", tokenizer_json(R"({"a":0})", "[]"));
  Tokenizer first = checkpoint.load();
  Tokenizer second = std::move(first);
  first = checkpoint.load();
  EXPECT_EQ(first.encode("a"), second.encode("a"));
}

}  // namespace
}  // namespace lens::text
