// report: the page's document is results.json and what its rows amount to; it stays small; errors name the place.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/experiment/report/report.hpp"
#include "sim/experiment/report/steps.hpp"
#include "tests/support/process.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using report::Json;

// A run folder of a scenario with numerics off.
std::string run_folder(const std::vector<std::string>& assignments) {
  const std::string folder = scratch_folder();
  std::vector<std::string> words{"run", path_of("scenarios/bsp.json"), "--quiet", "--timing-only", "--out", folder};
  for (const std::string& assignment : assignments) {
    words.push_back("--set");
    words.push_back(assignment);
  }
  EXPECT_EQ(paceline(words).code, 0);
  return folder;
}

Json results_of(const std::string& folder) { return Json::parse(read_text(folder + "/results.json")); }

Json document_of(const std::vector<std::string>& folders, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words{"report", "--json"};
  words.insert(words.end(), more.begin(), more.end());
  words.insert(words.end(), folders.begin(), folders.end());
  const Finished finished = paceline(words);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return Json::parse(finished.out);
}

std::vector<std::map<std::string, std::string>> rows_of(const std::string& file) {
  std::istringstream text(read_text(file));
  std::vector<std::string> header;
  std::vector<std::map<std::string, std::string>> rows;
  for (std::string line, cell; std::getline(text, line);) {
    std::istringstream cells(line);
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; std::getline(cells, cell, ','); ++i)
      if (rows.empty() && header.size() == i) header.push_back(cell);
      else row[header.at(i)] = cell;
    if (!row.empty()) rows.push_back(row);
  }
  return rows;
}

double sum(const Json& values) {
  double total = 0;
  for (const Json& value : values) total += value.get<double>();
  return total;
}

TEST(Report, FiguresAreThoseOfTheResults) {
  const std::string folder = run_folder({"training.stop={\"steps\": 60}"});
  const Json results = results_of(folder), document = document_of({folder}), run = document.at("runs").at(0);
  EXPECT_FALSE(document.contains("samples"));
  for (const char* key : {"name", "seed", "fingerprint", "outcome", "summary", "checks", "performance"})
    EXPECT_EQ(run.at(key), results.at(key)) << key;
  for (std::size_t i = 0; i < results.at("workers").size(); ++i)
    for (const char* key : {"compute_s", "wait_s", "exposed_communication_s", "queue_s", "down_s", "blamed_s"})
      EXPECT_EQ(run.at("workers").at(key).at(i), results.at("workers").at(i).at(key));
  EXPECT_EQ(run.at("curve").at("time_s").back(), results.at("curve").back().at("time_s"));
  EXPECT_EQ(run.at("links").at("count"), results.at("links").size());
  EXPECT_EQ(Json::parse(run.at("scenario").get<std::string>()).at("cluster").at("workers"), 8);
}

// Durations, bins and the timeline are sums of the same rows; each batch ends where the worker's next one begins.
TEST(Report, RowsOfStepsAddUp) {
  const std::string folder = run_folder({"training.stop={\"steps\": 60}"});
  const Json run = document_of({folder}, {"--steps", "10:14"}).at("runs").at(0), &steps = run.at("steps");
  const Json &durations = steps.at("durations"), &over = steps.at("over_steps"), &line = steps.at("timeline");
  EXPECT_EQ(durations.at("rows"), 8 * 60);
  EXPECT_EQ(sum(durations.at("counts")) + durations.at("of_no_duration").get<double>(), 8 * 60);
  EXPECT_EQ(over.at("width"), 1);
  EXPECT_EQ(over.at("compute_s").size(), 60u);
  std::map<std::string, double> sums;
  for (const auto& cells : rows_of(folder + "/steps.csv"))
    for (const auto& [column, cell] : cells)
      if (column.ends_with("_s")) sums[column] += std::stod(cell);
  for (const char* key : {"compute_s", "wait_s", "exposed_communication_s", "queue_s"})
    EXPECT_NEAR(8 * sum(over.at(key)), sums.at(key), 5e-6 * sums.at(key)) << key;  // of six digits
  ASSERT_EQ(line.at("worker").size(), 8u * 4);
  std::map<std::pair<int, int>, std::size_t> row;
  for (std::size_t i = 0; i < 32; ++i) row[{line.at("worker").at(i), line.at("step").at(i)}] = i;
  ASSERT_EQ(row.size(), 32u);
  for (int worker = 0; worker < 8; ++worker)
    for (int step = 10; step < 13; ++step) {
      const std::size_t at = row.at({worker, step});
      double end = line.at("start_s").at(at);
      for (const char* key : {"compute_s", "wait_s", "exposed_communication_s", "queue_s"})
        end += line.at(key).at(at).get<double>();
      const double next = line.at("start_s").at(row.at({worker, step + 1}));
      EXPECT_NEAR(end, next, 4 * 5e-6 * (next - line.at("start_s").at(at).get<double>()));
    }
}

TEST(Report, WaitsAreThoseOfTheResults) {
  const std::string folder = run_folder({"training.stop={\"steps\": 30}"});
  const Json results = results_of(folder), waits = document_of({folder}).at("runs").at(0).at("waits");
  double all = 0;
  for (const Json& wait : results.at("waits")) all += wait.at("wait_s").get<double>();
  EXPECT_GT(all, 0);
  EXPECT_EQ(waits.at("group"), 1);
  EXPECT_EQ(waits.at("wait_s").size(), results.at("waits").size());
  EXPECT_NEAR(sum(waits.at("wait_s")), all, 1e-5 * all);
}

TEST(Report, QuantilesAreExactToATenthOfAPercent) {
  report::Durations durations;
  for (int i = 1; i <= 10000; ++i) durations.add(i * 1e-3);
  for (const double share : {0.05, 0.5, 0.95}) EXPECT_NEAR(durations.quantile(share), 10 * share, 10 * share * 1.1e-3);
  const Json bins = durations.bins();
  EXPECT_EQ(sum(bins.at("counts")), 10000);
  EXPECT_LE(bins.at("counts").size(), 48u);
  ASSERT_EQ(bins.at("edges_s").size(), bins.at("counts").size() + 1);
  for (std::size_t i = 0; i < bins.at("counts").size(); ++i) {
    const double from = bins.at("edges_s").at(i), to = bins.at("edges_s").at(i + 1);
    EXPECT_NEAR(bins.at("counts").at(i).get<double>(), 1000 * (std::min(to, 10.0) - std::max(from, 1e-3)),
                2 + 1e-4 * 1000 * to);
  }
}

TEST(Report, BinsOfStepsBecomeWiderAndKeepTheirMeans) {
  report::OverSteps over;
  for (std::int64_t step = 0; step < 1000; ++step)
    for (int worker = 0; worker < 2; ++worker)
      over.add({.worker = worker, .step = step, .seconds = {double(step), 1, 0, 0}, .staleness = 3});
  const Json columns = over.columns();
  EXPECT_EQ(columns.at("width"), 4);
  ASSERT_EQ(columns.at("compute_s").size(), 250u);
  for (std::size_t i = 0; i < 250; ++i) {
    EXPECT_EQ(columns.at("compute_s").at(i), 4.0 * double(i) + 1.5);
    EXPECT_EQ(columns.at("longest_s").at(i), 4.0 * double(i) + 4);
    EXPECT_EQ(columns.at("staleness").at(i), 3);
  }
}

TEST(Report, SeveralRunsAreToldApartByWhatDiffers) {
  const std::vector<std::string> common{"training.stop={\"steps\": 20}"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), common.begin(), common.end());
    return run_folder(more);
  };
  const std::vector<std::string> folders{with({"seed=1"}), with({"seed=2"}),
                                         with({R"(training.strategy={"kind": "ssp", "staleness": 3})"})};
  const Json document = document_of(folders), samples = document.at("samples");
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples.at(0).at("axes"), samples.at(1).at("axes"));
  EXPECT_EQ(samples.at(0).at("axes").size(), 1u);
  EXPECT_EQ(samples.at(0).at("axes").at("training.strategy").at("kind"), "bsp");
  EXPECT_EQ(samples.at(2).at("axes").at("training.strategy"), Json({{"kind", "ssp"}, {"staleness", 3}}));
  EXPECT_EQ(samples.at(1).at("seed"), 2);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(samples.at(i).at("measures").at("throughput_samples_per_s"),
              results_of(folders[i]).at("summary").at("throughput_samples_per_s"));
  EXPECT_NEAR(document.at("student_975").at(0).get<double>(), std::tan(0.475 * M_PI), 1e-9);  // Cauchy
}

// Means of its runs by configuration are what compare makes of the same store.
TEST(Report, ASweepIsItsRuns) {
  const std::string folder = scratch_folder();
  const std::string sweep = path_of("scenarios/sweeps/first_sweep.json");
  const Finished made = paceline({"sweep", sweep, "--out", folder, "--set", "training.stop.steps=10"});
  ASSERT_EQ(made.code, 0) << made.err;
  const Json document = document_of({folder});
  EXPECT_TRUE(document.at("runs").empty());
  std::map<std::string, std::vector<double>> times;
  for (const Json& sample : document.at("samples"))
    times[sample.at("axes").dump()].push_back(sample.at("measures").at("simulated_time_s"));
  const Json compared = Json::parse(paceline({"compare", folder, "--json"}).out);
  ASSERT_EQ(times.size(), compared.at("configurations").size());
  ASSERT_GE(times.size(), 4u);
  for (const Json& configuration : compared.at("configurations")) {
    const std::vector<double>& own = times.at(configuration.at("axes").dump());
    EXPECT_EQ(own.size(), configuration.at("n").get<std::size_t>());
    const double mean = configuration.at("measures").at("simulated_time_s").at("mean");
    EXPECT_NEAR(sum(own) / double(own.size()), mean, 1e-12 * mean);
  }
}

// 1,024 workers, steps up to 10,000 of which some have rows, 4,096 links, waits of all for many.
TEST(Report, ABigRunIsASmallDocument) {
  const std::string folder = run_folder({"training.stop={\"steps\": 20}"});
  Json results = results_of(folder);
  const auto more = [](const Json& list, std::size_t count) {
    Json made = Json::array();
    for (std::size_t i = 0; i < count; ++i) made.push_back(list.at(i % list.size()));
    return made;
  };
  for (const auto& [key, count] : {std::pair{"workers", 1024}, {"links", 4096}, {"curve", 20000}})
    results[key] = more(results.at(key), std::size_t(count));
  results["summary"]["staleness"]["histogram"] = std::vector<int>(10000, 123456);
  write_text(folder + "/results.json", results.dump());
  std::string rows =
      "worker,step,start_s,compute_s,wait_s,exposed_communication_s,queue_s,samples,train_loss,staleness\n";
  for (int step = 0; step < 10000; step += step < 70 ? 1 : 97)
    for (int worker = 0; worker < 1024; ++worker)
      rows += fmt::format("{},{},{},{},0.0123456789012,0.00123456789012,0.000123,32,0.123,{}\n", worker, step,
                          step / 3.0, (1 + worker % 7 + step % 11) / 30.0, worker % 9);
  write_text(folder + "/steps.csv", rows);
  std::string waits = "worker,for,wait_s\n";
  for (int worker = 0; worker < 1024; ++worker)
    for (int k = 1; k < 100; ++k) waits += fmt::format("{},{},{}\n", worker, (worker + k * k) % 1024, 1 / 3.0);
  write_text(folder + "/waits.csv", waits);
  const Json run = report::read_run(folder, {});
  EXPECT_LT(run.dump().size(), 1'500'000u);
  EXPECT_NEAR(sum(run.at("waits").at("wait_s")), 1024 * 99 / 3.0, 1);
  EXPECT_EQ(run.at("workers").at("compute_s").size(), 1024u);
  EXPECT_EQ(run.at("links").at("link").size(), 64u);
  EXPECT_LE(run.at("curve").at("time_s").size(), 1000u);
  EXPECT_LE(run.at("steps").at("over_steps").at("compute_s").size(), 256u);
  EXPECT_LE(run.at("steps").at("timeline").at("worker").size(), 3000u);
}

TEST(Report, NoTagBeginsInTheDataOfAPage) {
  const Json document{{"name", "</script><b>"}};
  const std::string page = report::fill_page("before @DATA@ after <i>", document);
  EXPECT_EQ(page, R"(before {"name":"\u003c/script>\u003cb>"} after <i>)");
  EXPECT_EQ(Json::parse(page.substr(7, page.find(" after") - 7)), document);
  EXPECT_THROW(report::fill_page("no mark", document), std::logic_error);
}

// The page itself, or a clear word on why there is none.
TEST(Report, WritesOneFileThatHoldsTheDocument) {
  const std::string folder = run_folder({"training.stop={\"steps\": 20}"}), file = folder + "/page.html";
  const Finished finished = paceline({"report", folder, "-o", file});
  if (finished.code == 1) {
    EXPECT_NE(finished.err.find("built without the report page"), std::string::npos);
    EXPECT_NE(finished.err.find("npm"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(file));
    return;
  }
  ASSERT_EQ(finished.code, 0) << finished.err;
  const std::string page = read_text(file), begin = R"(<script type="application/json" id="data">)";
  const auto from = page.find(begin) + begin.size();
  EXPECT_EQ(Json::parse(page.substr(from, page.find("</script>", from) - from)), document_of({folder}));
  EXPECT_NE(page.find("The Apache Software Foundation"), std::string::npos);
  EXPECT_EQ(page.find(" src="), std::string::npos);
  EXPECT_EQ(page.find("<link rel=\"stylesheet\""), std::string::npos);
  EXPECT_LT(page.size(), 1'500'000u);
}

TEST(Report, SaysWhatIsWrong) {
  const std::string folder = scratch_folder();
  const auto fails = [](const std::vector<std::string>& words, int code, const std::string& with) {
    std::vector<std::string> all{"report", "--json"};
    all.insert(all.end(), words.begin(), words.end());
    const Finished finished = paceline(all);
    EXPECT_EQ(finished.code, code) << finished.err;
    EXPECT_NE(finished.err.find(with), std::string::npos) << finished.err;
  };
  fails({folder + "/none"}, 3, "/none: no such run or sweep");
  fails({folder}, 3, "neither the folder of a run");
  write_text(folder + "/results.json", "{");
  fails({folder}, 3, "results.json: not the results of a run");
  write_text(folder + "/results.json", R"({"schema_version": 1})");
  fails({folder}, 3, "results.json: not the results of a run");
  write_text(folder + "/results.json", R"({"schema_version": 2})");
  fails({folder}, 3, "a newer version of paceline");
  const std::string run = run_folder({"training.stop={\"steps\": 5}"});
  fails({run, "--steps", "7"}, 2, "--steps 7: must be FIRST:LAST");
  fails({run, "--steps", "7:7"}, 2, "--steps 7:7: must be FIRST:LAST");
  fails({run, "-o", "x.html"}, 2, "report needs -o FILE.html, or --json");
  fails({}, 2, "RUN");
  write_text(run + "/steps.csv", "a,b\n");
  fails({run}, 3, "steps.csv: not the steps.csv of a run");
  write_text(run + "/steps.csv",
             "worker,step,start_s,compute_s,wait_s,exposed_communication_s,queue_s,samples,train_loss,staleness\n"
             "0,0,0,1,0,0,0,32,,0\n0,1,x,1,0,0,0,32,,0\n");
  fails({run}, 3, "steps.csv:3: not a row of steps.csv: 0,1,x");
  std::filesystem::remove(run + "/steps.csv");
  EXPECT_TRUE(document_of({run}).at("runs").at(0).at("steps").is_null());
}

}  // namespace
}  // namespace paceline::test
