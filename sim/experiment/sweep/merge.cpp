#include "sim/experiment/sweep/merge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "sim/core/errors.hpp"
#include "sim/experiment/sweep/store.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) result += letter == '\'' ? "''" : std::string(1, letter);
  return result + "'";
}

std::string columns_of(Database& database, const std::string& schema, const std::string& table) {
  std::vector<std::string> names;
  Statement rows(database, fmt::format("SELECT name FROM pragma_table_info('{}', '{}')", table, schema));
  while (rows.step()) names.push_back(rows.text(0));
  return fmt::format("{}", fmt::join(names, ", "));
}

constexpr const char* worth = "CASE {}.state WHEN 'done' THEN 3 WHEN 'failed' THEN 2 ELSE 1 END";

// Of one run in two stores all figures must be the same: a run is a function of its scenario.
std::size_t compare_with(Database& database, const std::string& file) {
  const std::string both =
      "hash IN (SELECT a.hash FROM main.runs a JOIN part.runs b USING (hash) WHERE a.state = 'done' AND b.state = "
      "'done')";
  for (const char* table : {"summary", "curve", "workers"}) {
    const std::string columns = columns_of(database, "part", table);
    Statement differing(database, fmt::format("SELECT {0} FROM part.{1} WHERE {2} EXCEPT SELECT {0} FROM main.{1}",
                                              columns, table, both));
    if (differing.step())
      throw ConfigError({}, "",
                        fmt::format("{}: run {} has another {} than in a store before it; they are of different "
                                    "versions of the simulation, or one is damaged",
                                    file, differing.text(0), table));
  }
  return std::size_t(database.number("SELECT count(*) FROM main.runs WHERE " + both));
}

void take_over(Database& database) {
  database.execute(fmt::format(
      "CREATE TEMP TABLE taken AS SELECT b.hash FROM part.runs b LEFT JOIN main.runs a USING (hash) WHERE a.hash IS "
      "NULL OR {} > {}",
      fmt::format(worth, "b"), fmt::format(worth, "a")));
  for (const char* table : {"runs", "summary", "curve", "workers"}) {
    const std::string columns = columns_of(database, "part", table);
    database.execute(fmt::format("DELETE FROM main.{} WHERE hash IN (SELECT hash FROM taken)", table));
    database.execute(fmt::format(
        "INSERT INTO main.{0}({1}) SELECT {1} FROM part.{0} WHERE hash IN (SELECT hash FROM taken)", table, columns));
  }
  database.execute("DROP TABLE taken");
  database.execute(
      "UPDATE main.runs SET state = 'waiting', owner = NULL, started = NULL, host = NULL WHERE state = 'running'");
  database.execute("INSERT OR IGNORE INTO main.sweep SELECT * FROM part.sweep");
}

}  // namespace

Merged merge_stores(const std::vector<std::string>& stores, const std::string& out) {
  if (fs::exists(out)) throw RunError(fmt::format("{}: is there already; stores are merged into a new file", out));
  const std::string partial = out + ".partial";
  const auto remove = [&] {
    std::error_code ignored;
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(partial + suffix, ignored);
  };
  Merged merged;
  remove();
  try {
    Store store(partial);
    Database& database = store.database();
    for (const std::string& given : stores) {
      const std::string file = fs::is_directory(given) ? given + "/sweep.sqlite" : given;
      if (!fs::exists(file)) throw ConfigError({}, "", fmt::format("{}: no such store", file));
      Database part(file, Database::Mode::read);
      check_store(part);
      database.execute(fmt::format("ATTACH {} AS part", quoted(part.name())));
      database.transaction([&] {
        merged.twice += compare_with(database, file);
        take_over(database);
      });
      database.execute("DETACH part");
    }
    const auto count = [&](const char* state) {
      return std::size_t(database.number(fmt::format("SELECT count(*) FROM runs WHERE state = '{}'", state)));
    };
    merged.done = count("done");
    merged.failed = count("failed");
    merged.waiting = count("waiting");
    merged.runs = merged.done + merged.failed + merged.waiting;
    database.execute("PRAGMA journal_mode=DELETE");
  } catch (...) {
    remove();
    throw;
  }
  fs::rename(partial, out);
  return merged;
}

}  // namespace paceline
