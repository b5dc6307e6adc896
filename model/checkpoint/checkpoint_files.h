#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/checkpoint/safetensors_header.h"
#include "model/checkpoint/tensor_table.h"

namespace lens::model {

// The weight files of a checkpoint folder seen as one table of tensors, read
// without their data: model.safetensors, or else the shards that
// model.safetensors.index.json names. Tensor names may be in any spelling of
// the table of what is asked for. This is the one place where every tensor's
// presence, shape and dtype is checked.
class CheckpointFiles {
 public:
  struct Tensor {
    std::string file;         // within the folder
    std::string stored_name;  // there
    TensorEntry entry;
  };

  // Throws lens::InputError: a file that is missing or damaged, a tensor in two
  // shards, or a tensor that is asked for missing, of another shape, or of
  // another dtype than F32, BF16, F16. Where head and embedding are tied, one
  // of them may be missing.
  CheckpointFiles(const std::filesystem::path& folder, TensorTable asked);

  // By official name, also those that nobody asks for.
  const std::map<std::string, Tensor>& tensors() const { return tensors_; }
  const std::vector<std::string>& files() const { return files_; }
  // Values of the tensors that are asked for.
  std::int64_t values() const { return values_; }
  // What was chosen where there was more than one thing to take, a line each.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void read_shards(const std::filesystem::path& index);
  void add(const std::string& stored_name, const std::string& file,
           const TensorEntry& entry);
  void check();
  void check_tensor(const std::string& name, const Tensor& tensor,
                    const TensorShape& shape) const;
  [[noreturn]] void refuse_missing(const std::string& name,
                                   bool head_of_its_own) const;
  void note_choices();
  bool same_beginning() const;

  std::filesystem::path folder_;
  TensorTable asked_;
  std::vector<std::string> files_;
  std::map<std::string, Tensor> tensors_;
  std::int64_t values_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace lens::model
