#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "fixtures.h"

namespace lens::storage {
namespace {

struct Output {
  int code = 0;
  std::string text;
};

Output dump(const std::string& arguments) {
  Output output;
  FILE* pipe = ::popen(
      (std::string(LENS_DUMP) + " " + arguments + " 2>&1").c_str(), "r");
  char block[4096];
  while (const std::size_t count = std::fread(block, 1, sizeof block, pipe)) {
    output.text.append(block, count);
  }
  output.code = ::pclose(pipe);
  return output;
}

TEST(Dump, PrintsPartsVocabularyAndResults) {
  const fixtures::TemporaryFolder folder;
  const RunDirectory run(folder.path());
  const Manifest manifest = fixtures::make_manifest();
  const auto parts = fixtures::write_run(run, manifest);
  MergeOptions options;
  options.output = run.results();
  merge(run, manifest, parts, options);
  for (const auto& file :
       {run.root() / parts[0].receipt.file_name, run.results()}) {
    const Output output = dump(file.string() + " 2");
    EXPECT_EQ(output.code, 0) << output.text;
    EXPECT_THAT(output.text, testing::HasSubstr("seal: whole"));
    EXPECT_THAT(output.text, testing::HasSubstr("/mtvqa"));
    EXPECT_THAT(output.text, testing::HasSubstr("token_offset i8 ["));
  }
  EXPECT_THAT(dump(run.results().string()).text,
              testing::HasSubstr("@units = \"nat\""));
  EXPECT_THAT(dump(run.vocabulary().string()).text,
              testing::HasSubstr("\"é2\""));
}

TEST(Dump, RefusesWhatItCannotRead) {
  EXPECT_NE(dump("/nowhere").code, 0);
  EXPECT_NE(dump("").code, 0);
  EXPECT_NE(dump("a b").code, 0);
}

}  // namespace
}  // namespace lens::storage
