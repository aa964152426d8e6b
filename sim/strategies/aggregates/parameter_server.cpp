// parameter_server: everybody pushes; when all gradients of the step are in, the server applies their mean and answers.
#include "sim/strategies/aggregate.hpp"

namespace paceline::aggregates {
namespace {

class Servers final : public Aggregate {
 public:
  explicit Servers(Training& training) : training_(training) {}

  Task<Parameters> next(Worker& me, GradientRef gradient) override {
    co_await me.compute(gradient);
    co_return co_await me.exchange(gradient);
  }

  Task<> serve(Server& server) override {
    for (;;) {
      std::vector<GradientRef> gradients(std::size_t(server.workers()));
      for (int in = 0; in < server.workers(); ++in) {
        GradientRef g = co_await server.next();
        gradients[std::size_t(g->worker)] = g;
      }
      co_await server.apply_mean(gradients);
      server.answer_all();
    }
  }

  std::shared_ptr<const Values> evaluated() override { return training_.served(); }

 private:
  Training& training_;
};

}  // namespace

AggregateMaker parameter_server(Reader& in) {
  in.about("servers apply the mean when all gradients of the step are in");
  return {true, [](Training& training, const MeanOptions&) { return std::make_unique<Servers>(training); }};
}

}  // namespace paceline::aggregates
