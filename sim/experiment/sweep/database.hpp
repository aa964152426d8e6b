// An SQLite file and its statements, with errors as users understand them: what is corrupt, or has not the tables that
// are read, is a ConfigError, a disk that is full or read-only a RunError. Not safe for several threads at once.
#pragma once
#include <sqlite3.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace paceline {

class Database {
 public:
  enum class Mode { create, read };
  Database(const std::string& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;

  void execute(const std::string& sql);
  std::int64_t number(const std::string& sql);  // the first column of the first row; 0 without one
  int changes() const { return sqlite3_changes(connection_); }
  // Calls it inside a write transaction, which waits for those of other processes; rolled back when it throws.
  void transaction(const std::function<void()>& work);
  const std::string& path() const { return path_; }
  // What it goes by for SQLite: its path, or a URI where its folder may not be written, and so it cannot change.
  const std::string& name() const { return name_; }
  [[noreturn]] void fail(int code) const;

 private:
  friend class Statement;
  void open(int flags);
  void open_to_read();

  std::string path_, name_;
  Mode mode_;
  sqlite3* connection_ = nullptr;
};

// Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  Statement(Database& database, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;

  Statement& bind(int parameter, const nlohmann::ordered_json& value);
  bool step();   // whether there is a row
  void reset();  // for the next one
  void run() {
    step();
    reset();
  }
  std::string text(int column) const;
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double number(int column) const {  // NaN of a null
    return is_null(column) ? NAN : sqlite3_column_double(statement_, column);
  }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  nlohmann::ordered_json value(int column) const;
  int columns() const { return sqlite3_column_count(statement_); }
  std::string name(int column) const { return sqlite3_column_name(statement_, column); }

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace paceline
