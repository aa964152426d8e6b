#include "sim/experiment/sweep/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "sim/experiment/sweep/owner.hpp"

namespace paceline {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* tables = R"(
CREATE TABLE sweep(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE runs(hash TEXT PRIMARY KEY, position INTEGER, seed INTEGER, axes TEXT, scenario_name TEXT, scenario TEXT,
  state TEXT CHECK (state IN ('waiting','running','done','failed')), error TEXT, version TEXT, owner TEXT, started TEXT,
  finished TEXT, wall_s REAL, cpu_s REAL, peak_memory_bytes INTEGER, host TEXT, threads INTEGER);
CREATE INDEX runs_by_state ON runs(state, owner);
CREATE INDEX runs_by_position ON runs(position);
CREATE TABLE owners(owner TEXT PRIMARY KEY, renewed INTEGER) WITHOUT ROWID;
CREATE TABLE summary(hash TEXT PRIMARY KEY, reason TEXT, fingerprint TEXT, failed_check TEXT);
CREATE TABLE curve(hash TEXT, point INTEGER, {}, PRIMARY KEY(hash, point)) WITHOUT ROWID;
CREATE TABLE workers(hash TEXT, {}, PRIMARY KEY(hash, worker)) WITHOUT ROWID;
PRAGMA user_version = {};
)";

// "time_s NUMERIC, step NUMERIC".
std::string declared(const std::vector<std::string>& columns) {
  std::string text;
  for (const std::string& name : columns)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name,
                        name == "device"   ? "TEXT"
                        : name == "worker" ? "INTEGER"
                                           : "NUMERIC");
  return text;
}

std::string insertion(const char* table, std::vector<std::string> columns, const char* before = nullptr) {
  if (before) columns.insert(columns.begin(), before);
  std::string marks = "?";
  for (std::size_t i = 0; i < columns.size(); ++i) marks += ",?";
  return fmt::format("INSERT OR REPLACE INTO {}(hash,{}) VALUES({})", table, fmt::join(columns, ","), marks);
}

}  // namespace

void check_store(Database& database) {
  const std::int64_t version = database.number("PRAGMA user_version");
  const auto fail = [&](const std::string& what) {
    throw ConfigError({}, "", fmt::format("{}: {}; it was left as it is", database.path(), what));
  };
  if (version > store_version)
    fail(fmt::format("was written by a newer paceline: its schema is {}, this one knows {}", version, store_version));
  const std::int64_t known = database.number(
      "SELECT count(*) FROM sqlite_master WHERE type='table' AND name IN ('sweep','runs','summary','curve','workers')");
  if (version == 0 ? database.number("SELECT count(*) FROM sqlite_master") > 0 : known != 5)
    fail("is an SQLite file, but no store of a sweep");
}

struct Store::Statements {
  explicit Statements(Database& db)
      : claim(db, "UPDATE runs SET state='running', owner=?, started=?, host=? WHERE hash=? AND state='waiting'"),
        give_back(db,
                  "UPDATE runs SET state='waiting', owner=NULL, started=NULL, host=NULL WHERE hash=? AND owner=? AND "
                  "state='running'"),
        finish(db,
               "UPDATE runs SET state=?, error=?, started=?, finished=?, wall_s=?, cpu_s=?, peak_memory_bytes=?, "
               "host=?, threads=?, version=? WHERE hash=? AND owner=? AND state='running'"),
        state(db, "SELECT state FROM runs WHERE hash=?"),
        owners(db, "SELECT owner FROM owners UNION SELECT DISTINCT owner FROM runs WHERE state='running'"),
        renewed(db, "SELECT renewed FROM owners WHERE owner=?"),
        renew(db, "INSERT OR REPLACE INTO owners VALUES(?,?)"),
        forget(db, "DELETE FROM owners WHERE owner=?"),
        release(
            db,
            "UPDATE runs SET state='waiting', owner=NULL, started=NULL, host=NULL WHERE state='running' AND owner=?"),
        summary(db, insertion("summary", summary_columns())),
        curve(db, insertion("curve", curve_columns(), "point")),
        workers(db, insertion("workers", workers_columns())) {}
  Statement claim, give_back, finish, state, owners, renewed, renew, forget, release, summary, curve, workers;
};

Store::Store(const std::string& path) : database_(path, Database::Mode::create), owner_(this_owner()) {
  check_store(database_);
  if (database_.number("PRAGMA user_version") == 0) create();
  add_columns();
  statements_ = std::make_unique<Statements>(database_);
}

Store::~Store() = default;

void Store::create() {
  database_.execute("PRAGMA journal_mode=WAL");
  database_.transaction([&] {
    if (database_.number("PRAGMA user_version") != 0) return;  // another process was faster
    database_.execute(fmt::format(tables, declared(curve_columns()), declared(workers_columns()), store_version));
  });
}

// The summary's columns are those of results.json, which grows.
void Store::add_columns() {
  database_.execute("PRAGMA synchronous=NORMAL");
  const auto missing = [&] {
    std::vector<std::string> columns = summary_columns();
    Statement info(database_, "SELECT name FROM pragma_table_info('summary')");
    while (info.step()) std::erase(columns, info.text(0));
    return columns;
  };
  if (missing().empty()) return;
  database_.transaction([&] {
    for (const std::string& name : missing())
      database_.execute(fmt::format("ALTER TABLE summary ADD COLUMN {} NUMERIC", name));
  });
}

void Store::add(const SweepPlan& plan) {
  database_.transaction([&] {
    Statement set(database_, "INSERT INTO sweep VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value");
    const auto write = [&](const char* key, const std::string& value) { set.bind(1, key).bind(2, value).run(); };
    write("name", plan.sweep.name);
    write("file", plan.sweep.resolved);
    write("paceline_version", PACELINE_VERSION);
    if (plan.sweep.baseline.empty()) database_.execute("DELETE FROM sweep WHERE key='baseline'");
    else write("baseline", plan.sweep.baseline);

    // Where a wrong scenario was, there may be a right one by now.
    Statement clear(database_, "DELETE FROM runs WHERE position=? AND hash<>? AND state='failed' AND scenario IS NULL");
    Statement insert(database_,
                     "INSERT INTO runs(hash,position,seed,axes,scenario_name,scenario,state,error,version) "
                     "VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(hash) DO UPDATE SET position=excluded.position, "
                     "axes=excluded.axes WHERE position<>excluded.position OR axes<>excluded.axes");
    for (const PlannedRun& run : plan.runs) {
      clear.bind(1, run.position).bind(2, run.hash).run();
      const bool wrong = !run.error.empty();
      const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
      insert.bind(1, run.hash).bind(2, run.position).bind(3, run.seed).bind(4, run.axes).bind(5, or_null(run.name));
      insert.bind(6, or_null(run.scenario)).bind(7, wrong ? "failed" : "waiting").bind(8, or_null(run.error));
      insert.bind(9, PACELINE_VERSION).run();
    }
  });
}

void Store::retry_failed() {
  database_.transaction([&] {
    for (const char* table : {"summary", "curve", "workers"})
      database_.execute(
          fmt::format("DELETE FROM {} WHERE hash IN (SELECT hash FROM runs WHERE state='failed')", table));
    database_.execute(
        "UPDATE runs SET state='waiting', error=NULL, owner=NULL, started=NULL, finished=NULL, wall_s=NULL, "
        "cpu_s=NULL, peak_memory_bytes=NULL, host=NULL, threads=NULL WHERE state='failed' AND scenario IS NOT NULL");
  });
}

std::map<std::string, RunState> Store::states() {
  std::map<std::string, RunState> made;
  Statement all(database_, "SELECT hash, state FROM runs");
  while (all.step()) made.emplace(all.text(0), run_state(all.text(1)));
  return made;
}

RunState Store::state_of(const std::string& hash) {
  Statement& state = statements_->state;
  state.bind(1, hash);
  const RunState found = state.step() ? run_state(state.text(0)) : RunState::waiting;
  state.reset();
  return found;
}

bool Store::claim(const std::string& hash) {
  Statement& claim = statements_->claim;
  claim.bind(1, owner_).bind(2, time_now()).bind(3, host_name()).bind(4, hash).run();
  return database_.changes() == 1;
}

void Store::finish(const Outcome& o) {
  Statements& s = *statements_;
  if (o.state == RunState::waiting) {
    s.give_back.bind(1, o.hash).bind(2, owner_).run();
    return;
  }
  database_.transaction([&] {
    const Timing& t = o.timing;
    s.finish.bind(1, std::string(name_of(o.state))).bind(2, o.error.empty() ? Json() : Json(o.error));
    s.finish.bind(3, t.started).bind(4, t.finished).bind(5, t.wall_s).bind(6, t.cpu_s).bind(7, t.peak_memory_bytes);
    s.finish.bind(8, t.host).bind(9, t.threads).bind(10, PACELINE_VERSION).bind(11, o.hash).bind(12, owner_).run();
    if (database_.changes() != 1 || o.summary.is_null()) return;
    s.summary.bind(1, o.hash);
    int column = 2;
    for (const auto& [name, value] : o.summary.items()) s.summary.bind(column++, value);
    s.summary.run();
    const auto rows = [&](Statement& insert, const Json& all, bool numbered) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        int at = 1;
        insert.bind(at++, o.hash);
        if (numbered) insert.bind(at++, i);
        for (const Json& value : all[i]) insert.bind(at++, value);
        insert.run();
      }
    };
    rows(s.curve, o.curve, true);
    rows(s.workers, o.workers, false);
  });
}

void Store::renew() { statements_->renew.bind(1, owner_).bind(2, std::int64_t(std::time(nullptr))).run(); }

void Store::take_back() {
  Statements& s = *statements_;
  const auto dead_owners = [&] {
    std::vector<std::string> owners, dead;
    while (s.owners.step()) owners.push_back(s.owners.text(0));
    s.owners.reset();
    for (const std::string& owner : owners) {
      const Life life = life_of(owner);
      s.renewed.bind(1, owner);
      const std::int64_t renewed = s.renewed.step() ? s.renewed.integer(0) : 0;
      s.renewed.reset();
      if (life == Life::dead || (life == Life::elsewhere && double(std::time(nullptr) - renewed) > lease_s))
        dead.push_back(owner);
    }
    return dead;
  };
  if (dead_owners().empty()) return;
  database_.transaction([&] {
    for (const std::string& owner : dead_owners()) {
      s.release.bind(1, owner).run();
      s.forget.bind(1, owner).run();
    }
  });
}

void Store::leave() {
  database_.transaction([&] {
    statements_->release.bind(1, owner_).run();
    statements_->forget.bind(1, owner_).run();
  });
}

}  // namespace paceline
