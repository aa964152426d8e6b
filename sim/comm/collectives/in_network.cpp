// in_network: the switches add (NVLS, SHARP). Every rank sends its S bytes to where they are added, and, for the part
// that it looks after, the sum's S/N; the result comes back on the other direction: S (1 + 1/N) β + 2α, β of a rank's
// own link in each direction.
//
// The topology knows no sums, so a rank's stream goes to the next rank: that loads every rank's link by just these
// bytes in both directions, and a link between switches once for every pair of neighbours that it parts, which is what
// a tree of adding switches sends over it when ranks are packed.
#include "sim/comm/collective.hpp"
#include "sim/core/sync.hpp"

namespace paceline::collectives {
namespace {

class InNetworkCall final : public Collective {
 public:
  InNetworkCall(Communicator& group, Op op, double bytes, double efficiency)
      : Collective(group, op, bytes),
        slowness_(1 / efficiency - 1),
        added_(group.engine(), 0, "sums in the network"),
        returned_(group.engine(), 0, "results from the network") {}

  Task<> member(int rank) override {
    const int n = size();
    if (n == 1) co_return;
    Port& out = port(rank, (rank + 1) % n);
    Port& in = port((rank + n - 1) % n, rank);
    const double rate = group_.bandwidth(rank, (rank + 1) % n);
    if (slowness_ > 0) co_await group_.engine().sleep(span_of(slowness_ * bytes_ / rate));
    send(out, all());
    co_await in.next();
    take_in(in, all());
    added_.add(1);
    co_await added_.reaches(n);
    if (slowness_ > 0) co_await group_.engine().sleep(span_of(slowness_ * bytes_ / n / rate));
    send(out, chunk(rank));
    co_await in.next();
    take_in(in, chunk(rank));
    if (returned_.value() + 1 == n) reckon();
    returned_.add(1);
    co_await returned_.reaches(n);
  }

 private:
  const double slowness_;  // seconds besides, for each that the bytes take
  Counter added_, returned_;
};

class InNetwork final : public Algorithm {
 public:
  explicit InNetwork(double efficiency) : efficiency_(efficiency) {}
  std::string name() const override { return "in_network"; }
  std::string refuses(Op op, Communicator&) const override {
    return op == Op::all_reduce ? "" : "does all_reduce only";
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return std::make_unique<InNetworkCall>(group, op, bytes, efficiency_);
  }
  Plan plan(Op, Communicator& group, double bytes) const override {
    const int n = group.size();
    if (n == 1) return {};
    Plan plan(2);
    for (int rank = 0; rank < n; ++rank) {
      const int next = (rank + 1) % n;
      const double besides = (1 / efficiency_ - 1) * bytes / group.bandwidth(rank, next);
      const Span latency = group.latency(rank, next);
      plan[0].push_back({rank, next, bytes, latency + span_of(besides)});
      plan[1].push_back({rank, next, bytes / n, latency + span_of(besides / n)});
    }
    return plan;
  }

 private:
  double efficiency_;
};

}  // namespace

AlgorithmMaker in_network(Reader& in) {
  in.about("the switches add (NVLS, SHARP): S(1 + 1/N) bytes per direction of a rank's link, 2 latencies");
  const double efficiency =
      in.number("efficiency", {.minimum = 0,
                               .maximum = 1,
                               .above_minimum = true,
                               .fallback = 1,
                               .help = "share of the links' bandwidth that adding switches reach"});
  return std::make_shared<InNetwork>(efficiency);
}

}  // namespace paceline::collectives
