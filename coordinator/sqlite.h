#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lens::coordinator {

// One prepared statement. Bind in order from 1, step, read columns from 0.
// Must not outlive its database.
class Statement {
 public:
  Statement& bind(int position, std::int64_t value);
  Statement& bind(int position, std::string_view value);

  // True: a row is there. False: done. The first failed bind shows up here.
  absl::StatusOr<bool> step();
  // For statements without rows: step, then ready to be bound again.
  absl::Status run();

  std::int64_t integer(int column) const;
  std::string text(int column) const;

 private:
  friend class Database;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const {
      sqlite3_finalize(statement);
    }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_result_ = SQLITE_OK;
};

// One SQLite connection. Waits for no lock. Codes: UNAVAILABLE busy (another
// holds the lock), FAILED_PRECONDITION cannot be opened, DATA_LOSS not a
// database or damaged, RESOURCE_EXHAUSTED no room on disk, no quota, descriptor
// or memory left, INTERNAL anything else. With what the system said. Never
// throws.
class Database {
 public:
  enum class Mode { kExisting, kCreate };
  static absl::StatusOr<Database> open(const std::filesystem::path& file,
                                       Mode mode);

  absl::Status execute(const char* sql);
  absl::StatusOr<Statement> prepare(const char* sql);
  // Rows that the latest statement changed.
  int changed_rows() const;

 private:
  explicit Database(sqlite3* database) : database_(database) {}

  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace lens::coordinator
