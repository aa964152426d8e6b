// Whole runs against trajectories made with PyTorch 1.13.1 in double arithmetic from the same float32 start: every
// loss, the test accuracy, the final parameters, and of the asynchronous ones each event of the clock. The scenarios
// are ordinary files, in tests/data/scenarios/reference; the trajectories are in tests/data/numerics.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Json = nlohmann::json;
using Row = std::map<std::string, std::string>;

std::int64_t ticks(double seconds) { return std::llround(seconds * 1e6); }  // the files' ticks are microseconds here
double number(const Row& row, const std::string& column) { return std::stod(row.at(column)); }
int integer(const Row& row, const std::string& column) { return std::stoi(row.at(column)); }
double finish(const Row& row) { return number(row, "start_s") + number(row, "compute_s"); }

// How far entry i of the losses may be from the file's, relatively.
//
// PyTorch's own float32 and float64 are at most 4e-7 apart in the first 50 entries: 2e-6 leaves a factor of five for
// other orders of summation, 5e-6 after that. A file tells from which entry on they differ by more than 1e-6, 1e-5, …;
// it does so only of learning rates at which rounding errors grow. There, twelve float32 runs that differ in the order
// of a batch's rows alone are up to 7.7 times as far from float64 as PyTorch's. So from 0.8 of the first such index on,
// 20 times the bound that PyTorch's float32 still keeps is allowed; when it keeps none (1e-2), nothing is compared any
// more.
double tolerance_at(std::size_t i, const Json& file) {
  const Json& partings = file["tolerance"]["first_index_where_float32_and_float64_differ_by_more_than"];
  const auto index = [&](const char* bound) {
    return partings[bound].is_null() ? INFINITY : partings[bound].get<double>();
  };
  if (double(i) <= 0.8 * index("1e-06")) return i < 50 ? 2e-6 : 5e-6;
  for (const char* bound : {"1e-06", "1e-05", "0.0001", "0.001", "0.01"})
    if (double(i) < index(bound)) return 20 * std::stod(bound);
  return INFINITY;
}

struct Case {
  const char *scenario, *reference = scenario;
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.scenario; }

std::string name_of(const ::testing::TestParamInfo<Case>& suite) {
  std::string name = suite.param.scenario;
  for (char& letter : name)
    if (!std::isalnum(static_cast<unsigned char>(letter))) letter = '_';
  return name;
}

class Reference : public ::testing::TestWithParam<Case> {
 protected:
  void expect_loss(std::size_t i, double loss, double expected) const {
    constexpr double digits = 5e-9;  // nine in the files
    EXPECT_LE(std::abs(loss - expected), (tolerance_at(i, file_) + digits) * expected)
        << "entry " << i << ": " << loss << " for " << expected;
  }

  // Of 10,000 test images 20 may lie between two classes, where PyTorch's two precisions find the same ones.
  void expect_accuracy() const {
    const double single = file_["final_test_accuracy"]["float32"], twice = file_["final_test_accuracy"]["float64"];
    const double apart = std::abs(single - twice), own = made_.results.curve.back().test_accuracy.value();
    EXPECT_LE(std::min(std::abs(own - single), std::abs(own - twice)), apart < 0.001 ? 0.002 : 1.5 * apart) << own;
  }

  // A sum of 784 + 256 products has a relative error of √1040 u, u = 2⁻²⁴, and T updates of x one of √T u, both as the
  // root of their number, for signs alternate: 2e-6 of a tensor's norm together. Where losses may be further off than
  // 5e-6, so may parameters, in proportion. Of nets that convolve float32's are off by up to 1.1e-4 with losses within
  // 2e-6 throughout, where the same steps in double are PyTorch's to 1e-11 (models/reference_test.cpp): 2.5e-4 of
  // these. Of n entries |Σ e| ≤ √n ‖e‖.
  void expect_parameters(std::size_t entries) const {
    const bool convolves = file_["model"] == "cnn";
    const double close = (convolves ? 2.5e-4 : 2e-6) * tolerance_at(entries - 1, file_) / 5e-6;
    if (!std::isfinite(close)) return;
    const Spec spec = parse(scenario());
    const auto model = spec.model.make(spec.dataset.shape());
    ASSERT_EQ(made_.parameters->size(), model->size());
    for (const Tensor& tensor : model->tensors()) {
      SCOPED_TRACE(tensor.name);
      const Json& stats =
          file_[file_.contains("center") ? "final_param_stats_center" : "final_param_stats"][tensor.name];
      const float* own = made_.parameters->data() + tensor.offset;
      const double norm = stats["l2"];
      double sum = 0, squares = 0;
      for (std::size_t i = 0; i < tensor.count; ++i) sum += double(own[i]), squares += double(own[i]) * double(own[i]);
      EXPECT_NEAR(std::sqrt(squares), norm, close * norm);
      EXPECT_NEAR(sum, stats["sum"].get<double>(), close * norm * std::sqrt(double(tensor.count)));
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(own[i], stats["first4"][i].get<double>(), close * norm) << "entry " << i;
        EXPECT_NEAR(own[tensor.count - 4 + i], stats["last4"][i].get<double>(), close * norm)
            << "entry " << i << " of the last four";
      }
    }
  }

  void expect_checks() const {
    for (const Check& check : made_.results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
  }

  std::string scenario() const {
    return std::string("tests/data/scenarios/reference/") + GetParam().scenario + ".json";
  }

  Json file_ = Json::parse(read_text(path_of(std::string("tests/data/numerics/") + GetParam().reference + ".json")));
  test::Run made_ = run(scenario());
};

class InStep : public Reference {
 protected:
  Json tests_on_the_way() const { return file_.value("test_at_step", Json::object()); }

  void expect_point(double step, const Json& expected) const {
    const auto& curve = made_.results.curve;
    const auto point = std::find_if(curve.begin(), curve.end(), [&](const CurvePoint& p) { return p.step == step; });
    ASSERT_NE(point, curve.end()) << "step " << step;
    const double loss = expected["test_loss"];
    EXPECT_NEAR(point->test_loss.value(), loss, 5e-6 * loss) << "step " << step;
    EXPECT_NEAR(point->test_accuracy.value(), expected["test_acc"].get<double>(), 0.002) << "step " << step;
  }
};

TEST_P(InStep, TrainsAsPyTorchDoes) {
  const std::size_t steps = file_["loss"].size();
  ASSERT_EQ(made_.rows.size(), 4 * steps);
  std::vector<double> losses(steps);
  for (const Row& row : made_.rows) losses.at(std::size_t(integer(row, "step"))) += number(row, "train_loss") / 4;
  for (std::size_t t = 0; t < steps; ++t) expect_loss(t, losses[t], file_["loss"][t]);
  for (std::size_t t = 0; t < file_["worker_loss_first10"].size(); ++t)
    for (int w = 0; w < 4; ++w)
      expect_loss(t, made_.of_worker(w, "train_loss")[t], file_["worker_loss_first10"][t][std::size_t(w)]);
  expect_accuracy();
  expect_parameters(steps);
  const Json on_the_way = tests_on_the_way();
  for (const auto& [step, expected] : on_the_way.items()) expect_point(std::stod(step), expected);

  // Three microseconds a step; local SGD's only updates are averagings, and exchanges are those of a centre.
  EXPECT_EQ(ticks(made_.results.simulated_time_s), std::int64_t(3 * steps));
  EXPECT_EQ(made_.results.updates, file_.value("averagings", std::int64_t(steps) / file_.value("tau", 1)));
  expect_checks();
}

INSTANTIATE_TEST_SUITE_P(
    All, InStep,
    ::testing::Values(Case{"softmax_sync_sgd_lr0.1"}, Case{"softmax_sync_sgd_lr0.1_wd1e-4"},
                      Case{"softmax_sync_mom0.9_lr0.01"}, Case{"softmax_sync_mom0.9_lr0.01_wd1e-4"},
                      Case{"softmax_sync_mom0.9_lr0.1"}, Case{"softmax_sync_nesterov0.9_lr0.01"},
                      Case{"softmax_sync_nesterov0.9_lr0.1"}, Case{"softmax_sync_adam_lr1e-3"},
                      Case{"softmax_sync_adamw_lr1e-3_wd0.01"}, Case{"mlp_sync_sgd_lr0.1"},
                      Case{"mlp_sync_mom0.9_lr0.01"}, Case{"cnn_sync_sgd_lr0.02"}, Case{"softmax_local_sgd_H8_lr0.1"},
                      Case{"softmax_local_sgd_H8_mom0.9_lr0.01"}, Case{"softmax_postlocal_sgd_104_H8_lr0.1"},
                      Case{"mlp_local_sgd_H8_lr0.1"}, Case{"softmax_easgd_sync_tau1_lr0.1_rho2.25"},
                      Case{"softmax_easgd_sync_tau8_lr0.1_rho2.25"}, Case{"softmax_sync_topk1pct_ef_lr0.1"},
                      Case{"softmax_sync_topk1pct_ef_lr0.1_over_a_server", "softmax_sync_topk1pct_ef_lr0.1"},
                      Case{"softmax_sync_signsgd_majority_lr1e-3"},
                      Case{"softmax_sync_signsgd_majority_lr1e-3_over_a_server",
                           "softmax_sync_signsgd_majority_lr1e-3"}),
    name_of);

class EachAtItsPace : public Reference {
 protected:
  // Rows are those of gradients that were applied: a worker's last one may be blocked to the end of the run. That wait
  // has ended there if the last update let the worker go, and is still open if the worker is more than s updates ahead.
  std::int64_t ended_waits(int worker) const {
    const auto ahead = [&](int w) { return made_.results.workers[std::size_t(w)].steps; };
    const std::int64_t slowest = std::min({ahead(0), ahead(1), ahead(2), ahead(3)});
    std::vector<double> waits = made_.of_worker(worker, "wait_s");
    if (!file_["ssp"].is_null() && ahead(worker) - slowest > file_["ssp"].get<std::int64_t>()) waits.pop_back();
    std::int64_t sum = 0;
    for (double wait : waits) sum += ticks(wait);
    return sum;
  }
};

TEST_P(EachAtItsPace, TrainsAsPyTorchDoesEventByEvent) {
  const Json& events = file_["events"];
  std::vector<Row> rows = made_.rows;
  ASSERT_EQ(rows.size(), events.size());
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::pair(ticks(finish(a)), integer(a, "worker")) < std::pair(ticks(finish(b)), integer(b, "worker"));
  });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json& event = events[i];
    ASSERT_EQ(ticks(finish(rows[i])), event["t"]) << "event " << i;
    ASSERT_EQ(integer(rows[i], "worker"), event["w"]) << "event " << i;
    ASSERT_EQ(integer(rows[i], "step"), event["k"]) << "event " << i;
    EXPECT_EQ(ticks(number(rows[i], "start_s")), event["start"]) << "event " << i;
    EXPECT_EQ(integer(rows[i], "staleness"), event["stale"]) << "event " << i;
    expect_loss(i, number(rows[i], "train_loss"), event["loss"]);
  }
  expect_accuracy();
  expect_parameters(events.size());

  const Results& r = made_.results;
  EXPECT_EQ(r.updates, file_["updates"]);
  EXPECT_EQ(ticks(r.simulated_time_s), file_["end_time_ticks"]);
  for (std::size_t w = 0; w < 4; ++w) {
    EXPECT_EQ(r.workers[w].steps, file_["per_worker_updates"][w]) << "worker " << w;
    EXPECT_EQ(ended_waits(int(w)), file_["blocked_ticks"][w]) << "worker " << w;
  }
  std::map<std::string, std::uint64_t> histogram;
  for (std::size_t tau = 0; tau < r.staleness.histogram.size(); ++tau)
    if (r.staleness.histogram[tau] > 0) histogram[std::to_string(tau)] = r.staleness.histogram[tau];
  EXPECT_EQ(Json(histogram), file_["staleness_hist"]);
  EXPECT_NEAR(r.staleness.mean, file_["mean_staleness"].get<double>(), 1e-12);  // a quotient of integers
  expect_checks();
}

INSTANTIATE_TEST_SUITE_P(
    All, EachAtItsPace,
    ::testing::Values(Case{"softmax_async_ps_lr0.025"}, Case{"softmax_async_ps_lr0.1"},
                      Case{"softmax_async_ps_straggler3x_lr0.025"}, Case{"softmax_async_ps_mom0.9_lr0.005"},
                      Case{"softmax_async_ps_mom0.9_lr0.005_of_the_optimizer", "softmax_async_ps_mom0.9_lr0.005"},
                      Case{"softmax_async_ps_staleness_lr0.1"}, Case{"mlp_async_ps_lr0.025"},
                      Case{"softmax_ssp0_straggler3x_lr0.025"}, Case{"softmax_ssp2_straggler3x_lr0.025"},
                      Case{"softmax_dcasgd_c_lam0.04_lr0.1"}, Case{"softmax_dcasgd_c_lam2_lr0.1"},
                      Case{"softmax_dcasgd_a_lam2_lr0.1"}),
    name_of);

// Asynchronous elastic averaging: its events are the starts of local steps, its updates the exchanges with the centre.
class AroundACentre : public Reference {};

TEST_P(AroundACentre, TrainsAsPyTorchDoesStepByStep) {
  const Json& events = file_["events"];
  std::vector<Row> rows = made_.rows;
  ASSERT_EQ(rows.size(), events.size());
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::pair(ticks(number(a, "start_s")), integer(a, "worker")) <
           std::pair(ticks(number(b, "start_s")), integer(b, "worker"));
  });
  std::int64_t last = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json& event = events[i];
    ASSERT_EQ(ticks(number(rows[i], "start_s")), event["t"]) << "event " << i;
    ASSERT_EQ(integer(rows[i], "worker"), event["w"]) << "event " << i;
    ASSERT_EQ(integer(rows[i], "step"), event["k"]) << "event " << i;
    EXPECT_EQ(integer(rows[i], "staleness"), 0) << "event " << i;
    expect_loss(i, number(rows[i], "train_loss"), event["loss"]);
    last = std::max(last, event["t"].get<std::int64_t>() +
                              file_["periods_ticks"][event["w"].get<std::size_t>()].get<std::int64_t>());
  }
  expect_accuracy();
  expect_parameters(events.size());
  EXPECT_EQ(made_.results.updates, file_["exchanges"]);
  EXPECT_EQ(ticks(made_.results.simulated_time_s), last);
  expect_checks();
}

INSTANTIATE_TEST_SUITE_P(All, AroundACentre, ::testing::Values(Case{"softmax_easgd_async_tau8_lr0.1_rho2.25"}),
                         name_of);

}  // namespace
}  // namespace paceline::test
