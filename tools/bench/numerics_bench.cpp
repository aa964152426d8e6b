// Images per second of one thread: gradients of a batch of 32 (a worker's step, with the optimizer's update), of 2,048
// rows as one sum, and evaluation, Fashion-MNIST bytes included; `fetch` alone for comparison.
//   numerics_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "models/dataset.hpp"
#include "models/model.hpp"
#include "models/optimizer.hpp"
#include "sim/core/document.hpp"

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
        optimizer(make(optimizers::all(), R"({"kind": "sgd", "learning_rate": 0.01})").make(model->tensor_sizes(0, model->size()))),
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
  std::unique_ptr<const Model> model;
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

constexpr const char* mlp = R"({"kind": "mlp", "hidden": [128]})";
constexpr const char* softmax = R"({"kind": "softmax_regression"})";

BENCHMARK_CAPTURE(step, mlp_784_128_10, mlp)->Arg(32)->Arg(128)->Arg(512)->Arg(2048);
BENCHMARK_CAPTURE(step, softmax, softmax)->Arg(32)->Arg(128)->Arg(512)->Arg(2048);
BENCHMARK_CAPTURE(evaluate, mlp_784_128_10, mlp)->Arg(10'000);
BENCHMARK_CAPTURE(evaluate, softmax, softmax)->Arg(10'000);
BENCHMARK(fetch)->Arg(32)->Arg(512);

}  // namespace

BENCHMARK_MAIN();
