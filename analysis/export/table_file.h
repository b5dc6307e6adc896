#pragma once

#include <arrow/io/type_fwd.h>
#include <arrow/type_fwd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lens::analysis::tables {

// A file that appears whole under its name. Content goes to FILE.tmp; commit()
// renames it. Without commit() the destructor removes FILE.tmp. It is not
// synced: an export can be made again. Throws StorageError.
class TableFile {
 public:
  // Makes the folders above `file` where they are missing.
  explicit TableFile(const std::filesystem::path& file);
  ~TableFile();
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;

  // For Arrow's writers; what they answer goes through check().
  const std::shared_ptr<arrow::io::OutputStream>& stream() const {
    return stream_;
  }
  void check(const std::function<arrow::Status()>& write) const;

  void append(std::string_view text);
  void commit();

 private:
  [[noreturn]] void fail(const std::string& action,
                         const std::string& why) const;

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  bool committed_ = false;
};

}  // namespace lens::analysis::tables
