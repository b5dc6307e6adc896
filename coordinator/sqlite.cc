#include "coordinator/sqlite.h"

#include <cerrno>
#include <cstring>

namespace lens::coordinator {
namespace {

// What the system said, where SQLite kept it: a quota that is used up is a
// mere "disk I/O error" to SQLite, a limit of descriptors a file that cannot be
// opened.
std::string system_reason(int error) {
  switch (error) {
    case 0:
      return "";
    case EMFILE:
    case ENFILE:
      return std::string(": ") + std::strerror(error) + ", see ulimit -n";
    default:
      return std::string(": ") + std::strerror(error);
  }
}

bool lacks_room(int error) {
  return error == ENOSPC || error == EDQUOT || error == EFBIG ||
         error == EMFILE || error == ENFILE || error == ENOMEM;
}

absl::Status sqlite_status(sqlite3* database) {
  // Extended codes have the plain one in their lowest byte.
  const int code = sqlite3_errcode(database) & 0xff;
  const bool by_system = code == SQLITE_CANTOPEN || code == SQLITE_IOERR ||
                         code == SQLITE_FULL || code == SQLITE_READONLY;
  const int error = by_system ? sqlite3_system_errno(database) : 0;
  const std::string text =
      std::string("SQLite: ") + sqlite3_errmsg(database) + system_reason(error);
  if (lacks_room(error)) return absl::ResourceExhaustedError(text);
  switch (code) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return absl::OkStatus();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(text);
    case SQLITE_CANTOPEN:
      return absl::FailedPreconditionError(text);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return absl::DataLossError(text);
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::ResourceExhaustedError(text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::PermissionDeniedError(text);
    default:
      return absl::InternalError(text);
  }
}

}  // namespace

Statement& Statement::bind(int position, std::int64_t value) {
  const int result = sqlite3_bind_int64(statement_.get(), position, value);
  if (bind_result_ == SQLITE_OK) bind_result_ = result;
  return *this;
}

Statement& Statement::bind(int position, std::string_view value) {
  const int result =
      // TRANSIENT: copied, since `value` need not live until step().
      sqlite3_bind_text(statement_.get(), position, value.data(),
                        static_cast<int>(value.size()), SQLITE_TRANSIENT);
  if (bind_result_ == SQLITE_OK) bind_result_ = result;
  return *this;
}

absl::StatusOr<bool> Statement::step() {
  if (bind_result_ != SQLITE_OK) {
    return absl::InternalError(std::string("SQLite: ") +
                               sqlite3_errstr(bind_result_));
  }
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return sqlite_status(sqlite3_db_handle(statement_.get()));
}

absl::Status Statement::run() {
  const absl::Status status = step().status();
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bind_result_ = SQLITE_OK;
  return status;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return "";
  return std::string(
      reinterpret_cast<const char*>(data),
      static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

absl::StatusOr<Database> Database::open(const std::filesystem::path& file,
                                        Mode mode) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX |
                    (mode == Mode::kCreate ? SQLITE_OPEN_CREATE : 0);
  const int result = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  Database database(raw);  // SQLite gives a handle to be closed even on failure
  if (raw == nullptr) return absl::ResourceExhaustedError("SQLite: no memory");
  if (result != SQLITE_OK) return sqlite_status(raw);
  sqlite3_extended_result_codes(raw, 1);
  return database;
}

absl::Status Database::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) ==
      SQLITE_OK) {
    return absl::OkStatus();
  }
  return sqlite_status(database_.get());
}

absl::StatusOr<Statement> Database::prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql, -1, &raw, nullptr) !=
      SQLITE_OK) {
    return sqlite_status(database_.get());
  }
  return Statement(raw);
}

int Database::changed_rows() const { return sqlite3_changes(database_.get()); }

}  // namespace lens::coordinator
