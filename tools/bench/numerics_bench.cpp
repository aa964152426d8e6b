// Images per CPU second of one thread on Fashion-MNIST, bytes to updated parameters:
// bsp, async: 64 workers × 32 through the GradientPool, as runs do it, all gradients at one version (a sum) or each at
// another; step: a model alone, by rows per gradient; evaluate; for comparison the fetching of rows, and sgemm: the
// matrix products of the perceptron on 512 rows and nothing else.
//   numerics_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "models/dataset.hpp"
#include "models/layers/product.hpp"
#include "models/model.hpp"
#include "models/optimizer.hpp"
#include "sim/core/document.hpp"
#include "sim/strategies/gradient_pool.hpp"

namespace {

using namespace paceline;

template <class Maker>
Maker make(const Registry<Maker>& registry, std::string_view object) {
  Node node = parse_document("{\"it\": " + std::string(object) + "}", "benchmark");
  Reader::Context context;
  return Reader(node, "", context).kind("it", registry, {});
}

// What a training thread has, and a walk through the training set in file order.
struct World {
  explicit World(const char* model_text)
      : data(make(datasets::all(), R"({"kind": "fashion_mnist"})").load()),
        model(make(models::all(), model_text).make(data->shape())),
        optimizer(make(optimizers::all(), R"({"kind": "sgd", "learning_rate": 0.01})")
                      .make(model->tensor_sizes(0, model->size()))),
        x(initial_parameters(*model, 1)),
        g(x.size()),
        order(data->shape().train_rows),
        losses(order.size()),
        hits(order.size()) {
    std::iota(order.begin(), order.end(), 0u);
  }
  Rows next(std::size_t count, Part part = Part::train) {
    if (at + count > data->shape().rows(part)) at = 0;
    return {*data, part, std::span(order).subspan(std::exchange(at, at + count), count)};
  }

  std::shared_ptr<const Dataset> data;
  std::shared_ptr<const Model> model;
  std::unique_ptr<Optimizer> optimizer;
  std::vector<float> x, g;
  std::vector<std::uint32_t> order;
  std::vector<double> losses;
  std::vector<std::uint8_t> hits;
  Workspace workspace;
  std::size_t at = 0;
};

void images(benchmark::State& state) {
  state.counters["images/s"] =
      benchmark::Counter(double(state.iterations()) * double(state.range(0)), benchmark::Counter::kIsRate);
}

void step(benchmark::State& state, const char* model_text) {
  World world(model_text);
  const auto count = std::size_t(state.range(0));
  for (auto _ : state) {
    world.model->gradient(world.x.data(), world.next(count), 1.0f / float(count), world.g.data(), world.losses.data(),
                          world.workspace);
    world.optimizer->step(world.x.data(), world.g.data(), world.x.data(), 1);
  }
  images(state);
}

void evaluate(benchmark::State& state, const char* model_text) {
  World world(model_text);
  for (auto _ : state)
    world.model->evaluate(world.x.data(), world.next(std::size_t(state.range(0)), Part::test), world.losses.data(),
                          world.hits.data(), world.workspace);
  images(state);
}

void fetch(benchmark::State& state) {
  World world(R"({"kind": "softmax_regression"})");
  const auto count = std::size_t(state.range(0));
  std::vector<float> x(count * std::size_t(world.data->shape().features));
  std::vector<std::int32_t> labels(count);
  for (auto _ : state) world.data->fetch(Part::train, world.next(count).rows, x.data(), labels.data());
  images(state);
}

// 64 workers × 32 as a run has them between its events.
struct Cluster {
  static constexpr int workers = 64, batch = 32;

  explicit Cluster(const char* model_text)
      : world(model_text),
        pool({world.data, world.model}, Batches(world.order.size(), std::vector<int>(workers, batch), true, 1),
             threads) {
    now.values = std::make_shared<Values>(world.x.begin(), world.x.end());
  }
  void update(const Values& g) {
    auto next = pool.buffer();
    world.optimizer->step(now.values->data(), g.data(), next->data(), 1);
    now = {now.number + 1, std::move(next)};
  }

  World world;
  Threads threads{1};
  GradientPool pool;
  Version now;
};

void bsp(benchmark::State& state, const char* model_text) {
  Cluster cluster(model_text);
  std::int64_t k = 0;
  for (auto _ : state) {
    std::vector<GradientRef> gradients;
    for (int w = 0; w < Cluster::workers; ++w) {
      gradients.push_back(cluster.pool.make(w, k, {cluster.now}));
      gradients.back()->only_summed = true;
    }
    cluster.update(*cluster.pool.mean(gradients));
    ++k;
  }
  images(state);
}

void async(benchmark::State& state, const char* model_text) {
  Cluster cluster(model_text);
  std::vector<GradientRef> gradients(Cluster::workers);
  std::int64_t k = 0;
  for (auto _ : state) {
    for (int w = 0; w < Cluster::workers; ++w) {
      GradientRef& own = gradients[std::size_t(w)];
      if (own) cluster.update(*cluster.pool.value(own));
      own = cluster.pool.make(w, k, {cluster.now});
    }
    ++k;
  }
  images(state);
}

void sgemm(benchmark::State& state) {
  single_threaded();
  constexpr int n = 512, in = 784, hidden = 128, out = 10;
  std::vector<float> x(n * in, 0.5f), w1(hidden * in, 0.1f), y1(n * hidden), w2(out * hidden, 0.1f), y2(n * out),
      dy1(y1), g1(w1), g2(w2);
  for (auto _ : state)
    for (std::int64_t at = 0; at < state.range(0); at += n) {
      product_transposed(n, hidden, in, x.data(), w1.data(), y1.data());
      product_transposed(n, out, hidden, y1.data(), w2.data(), y2.data());
      transposed_product(out, hidden, n, y2.data(), y1.data(), at > 0, g2.data());
      product(n, hidden, out, y2.data(), w2.data(), dy1.data());
      transposed_product(hidden, in, n, dy1.data(), x.data(), at > 0, g1.data());
    }
  images(state);
}

constexpr const char* mlp = R"({"kind": "mlp", "hidden": [128]})";
constexpr const char* softmax = R"({"kind": "softmax_regression"})";

constexpr const char* cnn = R"({"kind": "cnn"})";

BENCHMARK_CAPTURE(bsp, mlp_784_128_10, mlp)->Arg(2048);
BENCHMARK_CAPTURE(async, mlp_784_128_10, mlp)->Arg(2048);
BENCHMARK_CAPTURE(bsp, cnn, cnn)->Arg(2048);
BENCHMARK_CAPTURE(async, cnn, cnn)->Arg(2048);
BENCHMARK_CAPTURE(bsp, softmax, softmax)->Arg(2048);
BENCHMARK_CAPTURE(async, softmax, softmax)->Arg(2048);
BENCHMARK(sgemm)->Arg(2048);
BENCHMARK_CAPTURE(step, cnn, cnn)->Arg(32)->Arg(20)->Arg(512)->Arg(1024);
BENCHMARK_CAPTURE(step, mlp_784_128_10, mlp)->Arg(32)->Arg(128)->Arg(512)->Arg(1024)->Arg(2048);
BENCHMARK_CAPTURE(step, softmax, softmax)->Arg(32)->Arg(128)->Arg(512)->Arg(1024)->Arg(2048);
BENCHMARK_CAPTURE(evaluate, mlp_784_128_10, mlp)->Arg(10'000);
BENCHMARK_CAPTURE(evaluate, cnn, cnn)->Arg(10'000);
BENCHMARK_CAPTURE(evaluate, softmax, softmax)->Arg(10'000);
BENCHMARK(fetch)->Arg(32)->Arg(512);

}  // namespace

BENCHMARK_MAIN();
