// A second implementation of the rules, in double arithmetic and without a clock, of strategies that no PyTorch
// trajectory covers. Workers are equally fast and bytes cost nothing, so that all are in step, and servers take them in
// the order of their numbers.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "tests/models/support.hpp"
#include "tests/support/run.hpp"

namespace paceline::test {
namespace {

using Vector = std::vector<double>;
constexpr int steps = 40;
constexpr double rate = 0.05;

// Float32 against double: sums of about 100 terms, √100·2⁻²⁴ = 6e-7 of each step's gradient, and 40 updates, each with
// up to six more roundings of x, √240·2⁻²⁴ = 9e-7. Twice their sum, of the loss as of the parameters' norm.
constexpr double rounding = 3e-6;

Vector& add(Vector& to, double factor, const Vector& what) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * what[i];
  return to;
}
double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
Vector mean(const std::vector<Vector>& of) {
  Vector sum(of[0].size());
  for (const Vector& each : of) add(sum, 1.0 / double(of.size()), each);
  return sum;
}

class Lockstep : public ::testing::Test {
 protected:
  // Trains with `strategy` and compares with what `rule` does.
  void compare(int workers, const std::string& strategy, const std::function<Vector()>& rule) {
    SCOPED_TRACE(fmt::format("{} workers, {}", workers, strategy));
    n_ = workers;
    const std::vector<std::string> assignments{
        fmt::format("cluster.workers={}", workers),
        "cluster.stragglers=[]",
        R"(cluster.jitter={"kind": "constant"})",
        R"(cluster.topology={"kind": "ideal"})",
        "workload.order.kind=sequential",
        "workload.cost.update=0s",
        fmt::format(R"(training.optimizer={{"kind": "sgd", "learning_rate": {}}})", rate),
        fmt::format("training.stop={{\"steps\": {}}}", steps),
        "training.strategy=" + strategy};
    const Spec spec = parse(scenario, assignments);
    data_ = spec.dataset.load();
    model_ = spec.model.make(spec.dataset.shape());
    batch_ = std::size_t(spec.batch_sizes[0]);
    std::vector<std::string> none = assignments;
    none.emplace_back(R"(training.stop={"time": "1ns"})");
    const auto start = run(scenario, none).parameters;
    start_ = Vector(start->begin(), start->end());
    losses_.assign(std::size_t(workers), {});
    const Vector expected = rule();

    const auto made = run(scenario, assignments);
    for (const Check& check : made.results.checks) EXPECT_TRUE(check.holds) << check.name << ": " << check.detail;
    Vector own(made.parameters->begin(), made.parameters->end());
    EXPECT_LE(std::sqrt(dot(add(own, -1, expected), own)), rounding * std::sqrt(dot(expected, expected)));
    for (int w = 0; w < workers; ++w)
      for (const auto& row : made.rows) {
        if (row.at("worker") != std::to_string(w) || row.at("train_loss").empty()) continue;
        const double loss = losses_[std::size_t(w)].at(std::stoul(row.at("step")));
        ASSERT_NEAR(std::stod(row.at("train_loss")), loss, rounding * loss)
            << "worker " << w << ", step " << row.at("step");
      }
  }

  // The mean gradient of worker w's k-th batch.
  Vector gradient(const Vector& x, int w, int k) {
    std::vector<std::uint32_t> rows;
    for (std::size_t i = 0; i < batch_; ++i)
      rows.push_back(std::uint32_t((std::size_t(k * n_ + w) * batch_ + i) % 1000));
    auto made = testing::gradient<double>(*model_, x, *data_, rows, 1.0 / double(batch_));
    losses_[std::size_t(w)].push_back(made.loss() / double(batch_));
    return made.g;
  }
  std::vector<Vector> replicas() const { return std::vector<Vector>(std::size_t(n_), start_); }

  static constexpr const char* scenario = "tests/data/scenarios/blobs.json";
  int n_ = 0;
  Vector start_;
  std::shared_ptr<const Dataset> data_;
  std::unique_ptr<const Model> model_;
  std::size_t batch_ = 1;
  std::vector<Vector> losses_;  // by worker, of its batches
};

// x_w ← Σ_j W_wj x_j - η g_w(x_w).
TEST_F(Lockstep, Dpsgd) {
  const auto rule = [&](bool mesh) {
    return [this, mesh] {
      std::vector<Vector> x = replicas();
      for (int k = 0; k < steps; ++k) {
        std::vector<Vector> next;
        for (int w = 0; w < n_; ++w) {
          std::vector<Vector> near;
          for (int j = 0; j < n_; ++j)
            if (mesh || j == w || j == (w + 1) % n_ || w == (j + 1) % n_) near.push_back(x[std::size_t(j)]);
          next.push_back(mean(near));
          add(next.back(), -rate, gradient(x[std::size_t(w)], w, k));
        }
        x = next;
      }
      return mean(x);
    };
  };
  for (const int n : {2, 4, 5}) {
    compare(n, R"({"kind": "gossip"})", rule(false));
    compare(n, R"({"kind": "gossip", "graph": "full_mesh"})", rule(true));
  }
}

TEST_F(Lockstep, PushSum) {
  for (const int n : {2, 4, 5})
    compare(n, R"({"kind": "push_sum"})", [this] {
      std::vector<Vector> x = replicas();
      Vector weight(std::size_t(n_), 1.0);
      const int rounds = int(std::ceil(std::log2(n_)));
      for (int k = 0; k < steps; ++k) {
        std::vector<Vector> next(std::size_t(n_), Vector(start_.size()));
        Vector weights(std::size_t(n_), 0.0);
        for (int w = 0; w < n_; ++w) {
          Vector& own = x[std::size_t(w)];
          Vector z(own.size());
          add(z, 1 / weight[std::size_t(w)], own);
          add(own, -rate, gradient(z, w, k));
          for (const int to : {w, (w + (1 << (k % rounds))) % n_}) {
            add(next[std::size_t(to)], 0.5, own);
            weights[std::size_t(to)] += weight[std::size_t(w)] / 2;
          }
        }
        x = next;
        weight = weights;
      }
      EXPECT_NEAR(std::accumulate(weight.begin(), weight.end(), 0.0), n_, 1e-12);
      return mean(x);
    });
}

TEST_F(Lockstep, Adasum) {
  const auto combined = [](const Vector& a, const Vector& b) {
    Vector sum(a.size());
    add(sum, 1 - dot(a, b) / (2 * dot(a, a)), a);
    return add(sum, 1 - dot(a, b) / (2 * dot(b, b)), b);
  };
  // By hand: orthogonal ones are added, equal ones averaged.
  EXPECT_EQ(combined({1, 0, 2}, {0, 3, 0}), (Vector{1, 3, 2}));
  EXPECT_EQ(combined({1, 2, 3}, {1, 2, 3}), (Vector{1, 2, 3}));
  for (const int n : {1, 2, 3, 4, 8})
    compare(n, R"({"kind": "adasum"})", [this, &combined] {
      Vector x = start_;
      for (int k = 0; k < steps; ++k) {
        std::vector<Vector> level;
        for (int w = 0; w < n_; ++w) level.push_back(gradient(x, w, k));
        while (level.size() > 1) {
          std::vector<Vector> next;
          for (std::size_t i = 0; i < level.size(); i += 2)
            next.push_back(i + 1 < level.size() ? combined(level[i], level[i + 1]) : level[i]);
          level = next;
        }
        add(x, -rate, level[0]);
      }
      return x;
    });
}

// Every `period` / F steps one of F parts of the vector is synchronized, in turn: v ← μv + Δ, x ← x - η(Δ + μv).
TEST_F(Lockstep, Diloco) {
  for (const int fragments : {1, 2})
    compare(4, fmt::format(R"({{"kind": "diloco", "period": 4, "fragments": {}}})", fragments), [this, fragments] {
      std::vector<Vector> x = replicas();
      Vector outer = start_, v(start_.size());
      const int every = 4 / fragments;
      for (int k = 0; k < steps; ++k) {
        for (int w = 0; w < n_; ++w) add(x[std::size_t(w)], -rate, gradient(x[std::size_t(w)], w, k));
        if ((k + 1) % every != 0) continue;
        const auto part = std::size_t((k / every) % fragments), all = start_.size(), f = std::size_t(fragments);
        const Vector now = mean(x);
        for (std::size_t i = part * all / f; i < (part + 1) * all / f; ++i) {
          const double delta = outer[i] - now[i];
          v[i] = 0.9 * v[i] + delta;
          outer[i] -= 0.7 * (delta + 0.9 * v[i]);
          for (Vector& each : x) each[i] = outer[i];
        }
      }
      return mean(x);
    });
}

TEST_F(Lockstep, HierarchicalLocalSgd) {
  compare(4, R"({"kind": "hierarchical_local_sgd", "group_size": 2, "inner_period": 2, "outer_period": 6})", [this] {
    std::vector<Vector> x = replicas();
    for (int k = 0; k < steps; ++k) {
      for (int w = 0; w < n_; ++w) add(x[std::size_t(w)], -rate, gradient(x[std::size_t(w)], w, k));
      if ((k + 1) % 6 == 0) x = std::vector<Vector>(4, mean(x));
      else if ((k + 1) % 2 == 0) {
        const Vector first = mean({x[0], x[1]}), second = mean({x[2], x[3]});
        x = {first, first, second, second};
      }
    }
    return mean(x);
  });
}

// A server that has k gradients at hand applies their mean; a worker gets the parameters as they are then, at once, or
// (k_async) when its own gradient is in them.
TEST_F(Lockstep, KAsync) {
  for (const bool batch : {false, true})
    for (const int k : {2, 5}) {
      if (!batch && k > 4) continue;  // distinct workers
      compare(4, fmt::format(R"({{"kind": "{}", "k": {}}})", batch ? "k_batch_async" : "k_async", k), [this, batch, k] {
        Vector x = start_;
        std::vector<Vector> pulled = replicas(), in;
        for (int t = 0; t < steps; ++t)
          for (int w = 0; w < n_; ++w) {
            in.push_back(gradient(pulled[std::size_t(w)], w, t));
            if (int(in.size()) == k) {
              add(x, -rate, mean(in));
              in.clear();
            }
            pulled[std::size_t(w)] = x;
            if (!batch && in.empty())
              for (int other = w - k + 1; other < w; ++other) pulled[std::size_t(other)] = x;
          }
        return x;
      });
    }
}

// Of local steps, with the parameters that the worker was answered with.
TEST_F(Lockstep, FedBuff) {
  compare(4, R"({"kind": "fedbuff", "buffer": 4, "local_steps": 2, "server_learning_rate": 0.5})", [this] {
    Vector x = start_;
    std::vector<Vector> pulled = replicas(), in;
    for (int t = 0; t < steps; t += 2) {
      std::vector<Vector> deltas;
      for (int w = 0; w < n_; ++w) {
        Vector local = pulled[std::size_t(w)], delta = local;
        for (const int k : {t, t + 1}) add(local, -rate, gradient(local, w, k));
        deltas.push_back(add(delta, -1, local));
      }
      for (int w = 0; w < n_; ++w) {
        in.push_back(deltas[std::size_t(w)]);
        if (in.size() == 4) {
          add(x, -0.5, mean(in));
          in.clear();
        }
        pulled[std::size_t(w)] = x;
      }
    }
    return x;
  });
}

// Groups of two: each pushes the mean of its gradients, one after the other.
TEST_F(Lockstep, GroupAsync) {
  compare(4, R"({"kind": "group_async", "group_size": 2})", [this] {
    Vector x = start_;
    std::vector<Vector> pulled(2, start_);
    for (int k = 0; k < steps; ++k)
      for (const int group : {0, 1}) {
        Vector& mine = pulled[std::size_t(group)];
        add(x, -rate, mean({gradient(mine, 2 * group, k), gradient(mine, 2 * group + 1, k)}));
        mine = x;
      }
    return x;
  });
}

}  // namespace
}  // namespace paceline::test
