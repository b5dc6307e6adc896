#include "cli/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/run_inputs.h"
#include "tests/cli/scratch_folder.h"

namespace lens::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

// The template of the published Qwen2-VL checkpoints.
constexpr const char* kOfficial =
    "{% set image_count = namespace(value=0) %}{% set video_count = namespa"
    "ce(value=0) %}{% for message in messages %}{% if loop.first and messag"
    "e['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistan"
    "t.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n{% if mess"
    "age['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else"
    " %}{% for content in message['content'] %}{% if content['type'] == 'im"
    "age' or 'image' in content or 'image_url' in content %}{% set image_co"
    "unt.value = image_count.value + 1 %}{% if add_vision_id %}Picture {{ i"
    "mage_count.value }}: {% endif %}<|vision_start|><|image_pad|><|vision_"
    "end|>{% elif content['type'] == 'video' or 'video' in content %}{% set"
    " video_count.value = video_count.value + 1 %}{% if add_vision_id %}Vid"
    "eo {{ video_count.value }}: {% endif %}<|vision_start|><|video_pad|><|"
    "vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif "
    "%}{% endfor %}<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_"
    "prompt %}<|im_start|>assistant\n{% endif %}";
constexpr const char* kOther =
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}"
    "<|im_end|>\n{% endfor %}";

class ChatTemplate : public testing::Test {
 protected:
  ChatTemplate() { fs::create_directories(folder_ / "model"); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / "model" / name) << text;
  }
  void write_json(const std::string& name, const json& value) const {
    write(name, json{{"chat_template", value}}.dump());
  }
  std::string note() const {
    return chat_template_note(folder_ / "model", family_).value_or("");
  }

  ScratchFolder folder_;
  const model::Family& family_ = model::families().front();
};

TEST_F(ChatTemplate, KnownOnesSayNothing) {
  EXPECT_FALSE(chat_template_note(tiny_checkpoint(), family_).has_value());
  for (const char* name : {"chat_template.json", "tokenizer_config.json"})
    write_json(name, kOfficial);
  write("chat_template.jinja", std::string(kOfficial) + "\n");
  EXPECT_EQ(note(), "");
  write_json("tokenizer_config.json",
             {{{"name", "tools"}, {"template", kOther}},
              {{"name", "default"}, {"template", kOfficial}}});
  EXPECT_EQ(note(), "");
}

TEST_F(ChatTemplate, AnotherOneIsNamedWithItsFile) {
  write_json("chat_template.json", kOfficial);
  write("chat_template.jinja", kOther);
  EXPECT_THAT(note(), AllOf(HasSubstr("(chat_template.jinja) is not used"),
                            HasSubstr("--system-prompt"),
                            HasSubstr("{image} in --prompt")));
  for (const json& other :
       {json(kOther), json{{{"name", "default"}, {"template", kOther}}},
        json{{{"name", "tools"}, {"template", kOfficial}}}, json(7)}) {
    write_json("tokenizer_config.json", other);
    EXPECT_THAT(note(), HasSubstr("tokenizer_config.json, chat_template.jinja"))
        << other;
  }
}

TEST_F(ChatTemplate, NoneIsSaid) {
  write("tokenizer_config.json", "{}");
  EXPECT_THAT(note(), HasSubstr("has no chat template"));
}

}  // namespace
}  // namespace lens::cli
