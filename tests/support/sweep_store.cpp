#include "tests/support/sweep_store.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>
#include <stdexcept>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

constexpr const char* schema = R"(
PRAGMA journal_mode = WAL;
CREATE TABLE sweep(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE runs(hash TEXT PRIMARY KEY, position INTEGER, seed INTEGER, axes TEXT, scenario_name TEXT, scenario TEXT,
  state TEXT CHECK (state IN ('waiting', 'running', 'done', 'failed')), error TEXT, version TEXT, owner TEXT,
  started TEXT, finished TEXT, wall_s REAL, cpu_s REAL, peak_memory_bytes INTEGER, host TEXT, threads INTEGER);
CREATE TABLE summary(hash TEXT PRIMARY KEY, reason TEXT, simulated_time_s REAL, steps REAL, updates INTEGER,
  samples INTEGER, epochs REAL, throughput_samples_per_s REAL, final_train_loss REAL, final_test_loss REAL,
  final_test_accuracy REAL, best_test_accuracy REAL, time_to_accuracy_s REAL, compute_fraction REAL,
  exposed_communication_fraction REAL, wait_fraction REAL, queue_fraction REAL, down_fraction REAL,
  bytes_on_wire REAL, failed_check TEXT, workers INTEGER, fingerprint TEXT);
CREATE TABLE curve(hash TEXT, point INTEGER, time_s REAL, step REAL, epoch REAL, samples INTEGER, train_loss REAL,
  test_loss REAL, test_accuracy REAL, bytes_on_wire REAL, PRIMARY KEY(hash, point)) WITHOUT ROWID;
CREATE TABLE workers(hash TEXT, worker INTEGER, device TEXT, steps INTEGER, samples INTEGER, compute_s REAL,
  exposed_communication_s REAL, wait_s REAL, queue_s REAL, down_s REAL, bytes_sent REAL, bytes_received REAL,
  PRIMARY KEY(hash, worker)) WITHOUT ROWID;
)";

std::string or_null(const std::string& text) { return text.empty() ? "NULL" : "'" + text + "'"; }

}  // namespace

void execute_sql(const std::string& file, const std::string& statements) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open(file.c_str(), &raw);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle(raw, sqlite3_close);
  if (code != SQLITE_OK || sqlite3_exec(raw, statements.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(fmt::format("{}: {}", file, sqlite3_errmsg(raw)));
}

std::string make_store(const std::vector<StoredRun>& runs, const StoreOptions& options) {
  std::string sql = schema;
  sql += fmt::format("PRAGMA user_version = {};\nBEGIN;\n", options.version);
  if (!options.baseline.empty()) sql += fmt::format("INSERT INTO sweep VALUES ('baseline', '{}');\n", options.baseline);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const StoredRun& run = runs[i];
    const std::string hash = fmt::format("{:016x}", (i + 1) * 0x9E3779B97F4A7C15);
    const std::string& scenario = run.scenario.empty() ? options.scenario : run.scenario;
    const bool wrong = run.state == "failed";  // a scenario that could not be read is not kept
    sql += fmt::format(
        "INSERT INTO runs(hash, position, seed, axes, scenario_name, scenario, state, error) VALUES ('{}', {}, {}, "
        "'{}', {}, {}, '{}', {});\n",
        hash, i, run.seed, run.axes, or_null(wrong ? "" : options.name), or_null(wrong ? "" : scenario), run.state,
        or_null(run.error));
    if (run.state != "done") continue;
    const std::string accuracy = run.curve.empty() ? "NULL" : fmt::format("{}", run.curve.back().accuracy);
    sql += fmt::format(
        "INSERT INTO summary(hash, reason, simulated_time_s, throughput_samples_per_s, bytes_on_wire, "
        "final_test_accuracy, "
        "best_test_accuracy, compute_fraction, exposed_communication_fraction, wait_fraction, queue_fraction, "
        "down_fraction, failed_check, workers, fingerprint) VALUES ('{}', '{}', {}, {}, {}, {}, {}, 0.5, 0.25, 0.25, "
        "0, 0, {}, "
        "{}, '{:016x}');\n",
        hash, run.reason, run.simulated_time_s, run.throughput_samples_per_s, run.bytes_on_wire, accuracy, accuracy,
        or_null(run.failed_check), run.workers, i);
    for (std::size_t p = 0; p < run.curve.size(); ++p)
      sql += fmt::format(
          "INSERT INTO curve(hash, point, time_s, test_accuracy, bytes_on_wire) VALUES ('{}', {}, {}, {}, {});\n", hash,
          p, run.curve[p].time_s, run.curve[p].accuracy, run.curve[p].bytes);
  }
  const std::string file = scratch_folder() + "/sweep.sqlite";
  execute_sql(file, sql + "COMMIT;\n");
  return file;
}

}  // namespace paceline::test
