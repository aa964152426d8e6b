#include "sim/experiment/sweep/database.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "sim/core/errors.hpp"

namespace paceline {
namespace {

constexpr int patience_ms = 60'000;  // for what other processes are writing

std::string escaped(const std::string& path) {
  std::string made;
  for (const char letter : path) {
    if (letter == '?' || letter == '#' || letter == '%') made += fmt::format("%{:02x}", int(letter));
    else made += letter;
  }
  return made;
}

}  // namespace

Database::Database(const std::string& path, Mode mode)
    : path_(path), name_(std::filesystem::absolute(path).string()), mode_(mode) {
  try {
    if (mode == Mode::create) open(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI);
    else open_to_read();
  } catch (...) {
    sqlite3_close(connection_);
    throw;
  }
}

void Database::open_to_read() {
  open(SQLITE_OPEN_READONLY);
  // Beside a file in a folder that may not be written no shared memory can be made; it is read as a plain file then.
  const int code = sqlite3_exec(connection_, "SELECT 1 FROM sqlite_master", nullptr, nullptr, nullptr) & 0xff;
  if ((code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && !std::filesystem::exists(path_ + "-wal")) {
    name_ = "file:" + escaped(name_) + "?immutable=1";
    open(SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  }
  sqlite3_exec(connection_, "PRAGMA mmap_size = 4294967296", nullptr, nullptr, nullptr);  // for speed alone
}

void Database::open(int flags) {
  sqlite3_close(std::exchange(connection_, nullptr));
  if (const int code = sqlite3_open_v2(name_.c_str(), &connection_, flags | SQLITE_OPEN_NOMUTEX, nullptr)) fail(code);
  sqlite3_extended_result_codes(connection_, 1);
  sqlite3_busy_timeout(connection_, patience_ms);
}

Database::~Database() { sqlite3_close(connection_); }

void Database::fail(int code) const {
  const std::string message = connection_ ? sqlite3_errmsg(connection_) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      throw ConfigError({}, "", fmt::format("{}: is no SQLite file; it was left as it is", path_));
    case SQLITE_CORRUPT:
      throw ConfigError({}, "", fmt::format("{}: is corrupt, the file is damaged: {}", path_, message));
    case SQLITE_FULL:
      throw RunError(fmt::format("{}: cannot be written: the disk is full, or the file as large as is allowed", path_));
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      throw RunError(fmt::format("{}: cannot be written: {}", path_, message));
    case SQLITE_IOERR:
      throw RunError(fmt::format("{}: cannot be read or written: {}; is the disk full?", path_, message));
    case SQLITE_BUSY:
      throw RunError(fmt::format("{}: another process has kept it locked for {} s", path_, patience_ms / 1000));
    case SQLITE_ERROR:
      if (mode_ == Mode::read) throw ConfigError(fmt::format("{}: not the store of a sweep ({})", path_, message));
      [[fallthrough]];
    default:
      throw RunError(fmt::format("{}: {}", path_, message));
  }
}

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::number(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

void Database::transaction(const std::function<void()>& work) {
  execute("BEGIN IMMEDIATE");
  try {
    work();
    execute("COMMIT");
  } catch (...) {
    sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

Statement::Statement(Database& database, const std::string& sql) : database_(database) {
  const int code = sqlite3_prepare_v2(database.connection_, sql.c_str(), -1, &statement_, nullptr);
  if (code != SQLITE_OK) database.fail(code);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int parameter, const nlohmann::ordered_json& value) {
  int code = SQLITE_OK;
  if (value.is_null()) {
    code = sqlite3_bind_null(statement_, parameter);
  } else if (value.is_number_float()) {
    code = sqlite3_bind_double(statement_, parameter, value.get<double>());
  } else if (value.is_number()) {
    code = sqlite3_bind_int64(statement_, parameter, value.get<std::int64_t>());
  } else {
    const auto& text = value.get_ref<const std::string&>();
    code = sqlite3_bind_text(statement_, parameter, text.data(), int(text.size()), SQLITE_TRANSIENT);
  }
  if (code != SQLITE_OK) database_.fail(code);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    sqlite3_reset(statement_);
    database_.fail(code);
  }
  return code == SQLITE_ROW;
}

void Statement::reset() { sqlite3_reset(statement_); }

std::string Statement::text(int column) const {
  const auto* const bytes = sqlite3_column_text(statement_, column);
  return bytes ? reinterpret_cast<const char*>(bytes) : "";
}

nlohmann::ordered_json Statement::value(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_NULL:
      return nullptr;
    case SQLITE_INTEGER:
      return integer(column);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement_, column);
    default:
      return text(column);
  }
}

}  // namespace paceline
