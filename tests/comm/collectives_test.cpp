// Every algorithm of a collective: its sums against serial ones, its time against the closed form on links that are not
// shared, fused and analytic against single messages, all against the lower bound.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "sim/comm/timing.hpp"
#include "topologies/topology_maker.hpp"

namespace paceline::test {
namespace {

constexpr double alpha = 5e-6, beta = 1 / 12.5e9;               // of a message
constexpr double inside_alpha = 1e-6, inside_beta = 1 / 300e9;  // in a host

// A link of its own from every node to every other; nodes of one host are nearer to each other. Of more than 256 nodes
// those at distances of the same power of two share one, of which no algorithm uses more than one.
class Mesh final : public Topology {
 public:
  explicit Mesh(int nodes, int per_host = 1, LinkSpec inside = {1 / inside_beta, span_of(inside_alpha)},
                LinkSpec across = {1 / beta, span_of(alpha)})
      : nodes_(nodes), per_host_(per_host), inside_(inside), across_(across) {}
  int nodes() const override { return nodes_; }
  std::uint32_t links() const override { return std::uint32_t(nodes_) * std::uint32_t(slots()); }
  LinkSpec link(LinkId id) const override {
    const bool near = per_host_ > 1 && host(int(id) / slots()) == host(int(id) % slots());
    return near ? inside_ : across_;
  }
  Ends ends(LinkId id) const override { return {int(id) / slots(), int(id) % slots()}; }
  unsigned longest_route() const override { return 1; }
  void route(int from, int to, std::uint64_t, std::vector<LinkId>& out) const override {
    out.clear();
    if (from != to) out = {LinkId(from) * LinkId(slots()) + LinkId(slot(from, to))};
  }
  int host(int node) const override { return node / per_host_; }

 private:
  bool sparse() const { return nodes_ > 256; }
  int slots() const { return sparse() ? 64 : nodes_; }
  int slot(int from, int to) const {
    if (!sparse()) return to;
    return from < to ? int(std::bit_width(unsigned(to - from))) : 32 + int(std::bit_width(unsigned(from - to)));
  }
  int nodes_, per_host_;
  LinkSpec inside_, across_;
};

std::vector<int> first(int n) {
  std::vector<int> nodes;
  for (int node = 0; node < n; ++node) nodes.push_back(node);
  return nodes;
}

double lg_up(int n) { return n == 1 ? 0 : double(std::bit_width(unsigned(n - 1))); }
double lg_down(int n) { return double(std::bit_width(unsigned(n)) - 1); }
double pieces(double bytes) { return std::max(1.0, std::ceil(bytes / (512 * 1024))); }

// Seconds, and how many messages follow one another: each may be off by a tick.
struct Form {
  double seconds, messages;
};

Form closed_form(const std::string& algorithm, Op op, int n, double s) {
  const double p = double(std::bit_floor(unsigned(n))), folds = p < n ? 1 : 0, share = 1 - 1.0 / n;
  const double passes = op == Op::all_reduce ? 2 : 1;
  if (algorithm == "ring") return {passes * ((n - 1) * alpha + share * s * beta), passes * (n - 1)};
  if (algorithm == "direct") return {alpha + s / n * beta, 1};
  if (algorithm == "halving_doubling")
    return {(passes * lg_down(n) + 2 * folds) * alpha + (passes * (p - 1) / p + 2 * folds) * s * beta,
            passes * lg_down(n) + 2 * folds};
  if (algorithm == "recursive_doubling") return {(lg_down(n) + 2 * folds) * (alpha + s * beta), lg_down(n) + 2 * folds};
  if (algorithm == "in_network") return {2 * alpha + s * (1 + 1.0 / n) * beta, 2};
  const double carried = algorithm == "double_tree" ? s / 2 : s;
  const double steps = lg_up(n) + pieces(carried) - 1;
  return {passes * steps * (alpha + carried / pieces(carried) * beta), passes * steps};
}

struct Case {
  std::string algorithm;
  Op op;
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.algorithm << " " << name_of(each.op); }

class OnItsOwnLinks : public ::testing::TestWithParam<Case> {};

TEST_P(OnItsOwnLinks, TakesItsClosedFormAndAddsUp) {
  const auto& [name, op] = GetParam();
  const AlgorithmMaker algorithm = collectives::all().named(name);
  std::vector<int> sizes{64, 100};
  for (int n = 2; n <= 33; ++n) sizes.push_back(n);
  if (op == Op::all_reduce && name != "in_network") sizes.push_back(1024);
  for (const int n : sizes) {
    const bool powers_only = name == "recursive_doubling" || (name == "halving_doubling" && op != Op::all_reduce);
    if (powers_only && !std::has_single_bit(unsigned(n))) continue;
    const Mesh mesh(n);
    for (const double bytes : {1024.0, 3.0 * 1024 * 1024 + 4}) {
      if (n == 1024 && bytes == 1024) continue;
      SCOPED_TRACE(fmt::format("{} ranks, {} bytes", n, bytes));
      const auto length = std::size_t(97 + n);
      std::vector<std::vector<float>> values, expected;
      expected.assign(std::size_t(n), std::vector<float>(length));
      for (int rank = 0; rank < n; ++rank)
        for (int i = 0; float& each : values.emplace_back(length)) each = float((rank * 7 + i++ * 3) % 11);
      const auto part_of = [&](std::size_t i) {  // by which rank's part an entry lies in
        std::size_t part = 0;
        while ((part + 1) * length / std::size_t(n) <= i) ++part;
        return part;
      };
      for (std::size_t i = 0; i < length; ++i) {
        const std::size_t part = part_of(i);
        float sum = 0;
        for (const auto& each : values) sum += each[i];
        for (std::size_t rank = 0; rank < std::size_t(n); ++rank) {
          float& want = expected[rank][i];
          if (op == Op::all_reduce || op == Op::reduce_scatter) want = sum;
          if (op == Op::all_gather) want = values[part][i];
          if (op == Op::broadcast) want = values[0][i];
        }
      }
      const CollectiveTiming fluid = time_collective(mesh, first(n), *algorithm, op, bytes, Fidelity::fluid, values);
      for (std::size_t rank = 0; rank < std::size_t(n) && op != Op::all_to_all; ++rank) {
        for (std::size_t i = 0; i < length; ++i) {
          if (op == Op::reduce_scatter && part_of(i) != rank) continue;
          ASSERT_EQ(values[rank][i], expected[rank][i]) << "rank " << rank << ", entry " << i;
        }
      }
      const Form form = closed_form(name, op, n, bytes);
      EXPECT_NEAR(fluid.seconds, form.seconds, 1e-9 * form.seconds + 1e-12 * (form.messages + 1));
      EXPECT_GE(fluid.seconds, fluid.lower_bound * (1 - 1e-12));
      EXPECT_GT(fluid.lower_bound, 0);
      for (const Fidelity other : {Fidelity::fused, Fidelity::analytic})
        EXPECT_NEAR(time_collective(mesh, first(n), *algorithm, op, bytes, other).seconds, fluid.seconds,
                    1e-6 * fluid.seconds)
            << name_of(other);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, OnItsOwnLinks,
                         ::testing::Values(Case{"ring", Op::all_reduce}, Case{"ring", Op::reduce_scatter},
                                           Case{"ring", Op::all_gather}, Case{"direct", Op::all_to_all},
                                           Case{"direct", Op::reduce_scatter}, Case{"direct", Op::all_gather},
                                           Case{"halving_doubling", Op::all_reduce},
                                           Case{"halving_doubling", Op::reduce_scatter},
                                           Case{"halving_doubling", Op::all_gather},
                                           Case{"recursive_doubling", Op::all_reduce}, Case{"tree", Op::all_reduce},
                                           Case{"tree", Op::broadcast}, Case{"double_tree", Op::all_reduce},
                                           Case{"in_network", Op::all_reduce}),
                         [](const auto& of) { return of.param.algorithm + "_" + name_of(of.param.op); });

TEST(AllToAll, GivesEveryPartToItsRank) {
  const AlgorithmMaker direct = collectives::all().named("direct");
  for (const Fidelity fidelity : {Fidelity::fluid, Fidelity::fused, Fidelity::analytic}) {
    for (const int n : {2, 3, 8}) {
      std::vector<std::vector<float>> values;
      for (int rank = 0; rank < n; ++rank)
        for (int part = 0; part < n; ++part)
          values.resize(std::size_t(rank) + 1), values.back().push_back(float(10 * rank + part));
      time_collective(Mesh(n), first(n), *direct, Op::all_to_all, 1e6, fidelity, values);
      for (int rank = 0; rank < n; ++rank)
        for (int part = 0; part < n; ++part)
          EXPECT_EQ(values[std::size_t(rank)][std::size_t(part)], float(10 * part + rank)) << name_of(fidelity);
    }
  }
}

TEST(Hierarchical, TakesTheSumOfItsThreePhases) {
  const AlgorithmMaker algorithm = collectives::all().named("hierarchical");
  for (const auto& [g, k] : {std::pair{8, 4}, {4, 8}, {3, 5}, {1, 6}, {6, 1}, {2, 2}}) {
    SCOPED_TRACE(fmt::format("{} on each of {} hosts", g, k));
    const int n = g * k;
    const double s = 4e9;
    const double in_alpha = g > 1 ? inside_alpha : 0;
    const double expected = 2 * (g - 1) * in_alpha + 2.0 * (g - 1) / g * s * inside_beta + 2 * (k - 1) * alpha +
                            2.0 * (k - 1) / k * s / g * beta;
    std::vector<std::vector<float>> values;
    for (int rank = 0; rank < n; ++rank) values.emplace_back(101, float(rank % 13));
    float sum = 0;
    for (const auto& each : values) sum += each[0];
    const CollectiveTiming fluid =
        time_collective(Mesh(n, g), first(n), *algorithm, Op::all_reduce, s, Fidelity::fluid, values);
    EXPECT_NEAR(fluid.seconds, expected, 1e-9 * expected + 1e-12 * 2 * n);
    for (const auto& each : values) EXPECT_EQ(each, std::vector<float>(101, sum));
    for (const Fidelity other : {Fidelity::fused, Fidelity::analytic})
      EXPECT_NEAR(time_collective(Mesh(n, g), first(n), *algorithm, Op::all_reduce, s, other).seconds, expected,
                  1e-6 * expected);
    EXPECT_GE(fluid.seconds, fluid.lower_bound * (1 - 1e-12));
  }
}

// 4 GiB, 8 ranks on each of 4 hosts, 900 GB/s inside and 50 GB/s across: 24.46 ms, of which 16.106 ms across.
TEST(Hierarchical, IsTheKnownFigure) {
  const AlgorithmMaker algorithm = collectives::all().named("hierarchical");
  const double bytes = 4.0 * 1024 * 1024 * 1024;
  const Mesh mesh(32, 8, {900e9, Span{0}}, {50e9, Span{0}});
  for (const Fidelity fidelity : {Fidelity::fluid, Fidelity::fused, Fidelity::analytic})
    EXPECT_NEAR(time_collective(mesh, first(32), *algorithm, Op::all_reduce, bytes, fidelity).seconds, 24.46e-3, 5e-6);
  const Mesh free_inside(32, 8, {900e15, Span{0}}, {50e9, Span{0}});
  EXPECT_NEAR(time_collective(free_inside, first(32), *algorithm, Op::all_reduce, bytes, Fidelity::fluid).seconds,
              16.106e-3, 5e-7);
}

TEST(Hierarchical, RefusesUnequalHosts) {
  const AlgorithmMaker algorithm = collectives::all().named("hierarchical");
  EXPECT_THROW(time_collective(Mesh(7, 4), first(7), *algorithm, Op::all_reduce, 1e6, Fidelity::fluid),
               std::invalid_argument);
}

TEST(Auto, TakesTheCheapest) {
  const AlgorithmMaker choose = collectives::all().named("auto");
  const auto chosen = [&](int n, int per_host, Op op, double bytes) {
    return time_collective(Mesh(n, per_host), first(n), *choose, op, bytes, Fidelity::fluid).algorithm;
  };
  EXPECT_EQ(chosen(16, 1, Op::all_reduce, 1024), "recursive_doubling");
  EXPECT_EQ(chosen(16, 1, Op::all_reduce, 100e6), "double_tree");
  EXPECT_EQ(chosen(3, 1, Op::all_reduce, 1e9), "double_tree");
  EXPECT_EQ(chosen(32, 8, Op::all_reduce, 4e9), "hierarchical");
  EXPECT_EQ(chosen(8, 1, Op::broadcast, 1e6), "tree");
  EXPECT_EQ(chosen(8, 1, Op::all_to_all, 1e6), "direct");
  for (const double bytes : {1e3, 1e5, 1e7, 1e9}) {
    const double least = time_collective(Mesh(16), first(16), *choose, Op::all_reduce, bytes, Fidelity::fluid).seconds;
    for (const char* kind : {"ring", "tree", "double_tree", "halving_doubling", "recursive_doubling"})
      EXPECT_LE(least, time_collective(Mesh(16), first(16), *collectives::all().named(kind), Op::all_reduce, bytes,
                                       Fidelity::fluid)
                               .seconds *
                           (1 + 1e-9))
          << kind << ", " << bytes;
  }
}

TEST(Automatic, FusesAboveSixtyFourRanks) {
  const AlgorithmMaker ring = collectives::all().named("ring");
  for (const auto& [n, fidelity] : {std::pair{64, Fidelity::fluid}, {65, Fidelity::fused}}) {
    const CollectiveTiming timing = time_collective(Mesh(n), first(n), *ring, Op::all_reduce, 1e6, Fidelity::automatic);
    EXPECT_EQ(timing.fidelity, fidelity);
    EXPECT_EQ(timing.transfers, std::uint64_t(fidelity == Fidelity::fluid ? 2 * (n - 1) * n : n));
  }
}

TEST(OneRank, NeedsNoTime) {
  for (const std::string& kind : collectives::all().kinds()) {
    if (kind == "custom") continue;
    const AlgorithmMaker algorithm = collectives::all().named(kind);
    for (const Op op : {Op::all_reduce, Op::reduce_scatter, Op::all_gather, Op::broadcast, Op::all_to_all})
      for (const Fidelity fidelity : {Fidelity::fluid, Fidelity::fused, Fidelity::analytic}) {
        try {
          EXPECT_EQ(time_collective(Mesh(1), first(1), *algorithm, op, 1e6, fidelity).seconds, 0) << kind;
        } catch (const std::invalid_argument&) {}
      }
  }
}

// On a switch everybody's messages into one rank share its link: the closed form holds as long as nobody runs ahead.
TEST(HalvingDoubling, TakesItsClosedFormOnASwitchForAnyNumberOfRanks) {
  const AlgorithmMaker algorithm = collectives::all().named("halving_doubling");
  Node document = parse_document(R"({"kind": "star", "bandwidth": "100Gbps", "latency": "2.5us"})", "test.json");
  const TopologyMaker star = topologies::read_topology(document);
  for (int n = 2; n <= 33; ++n) {
    const Form form = closed_form("halving_doubling", Op::all_reduce, n, 1e8);
    for (const Fidelity fidelity : {Fidelity::fluid, Fidelity::fused, Fidelity::analytic})
      EXPECT_NEAR(time_collective(*star.build(n), first(n), *algorithm, Op::all_reduce, 1e8, fidelity).seconds,
                  form.seconds, 1e-9 * form.seconds + 1e-12 * (form.messages + 1))
          << n << " ranks, " << name_of(fidelity);
  }
}

TEST(Hierarchical, AsksTheAlgorithmsInside) {
  const auto with = [](const std::string& keys) {
    Node document = parse_document(R"({"algorithm": {"kind": "hierarchical", )" + keys + "}}", "test.json");
    Reader::Context context;
    return Reader(document, "", context).kind_or_name("algorithm", collectives::all(), {});
  };
  const auto seconds = [&](const std::string& keys) {
    return time_collective(Mesh(18, 6), first(18), *with(keys), Op::all_reduce, 1e6, Fidelity::fluid).seconds;
  };
  for (const char* keys :
       {R"("across": "direct")", R"("inside": "tree")", R"("inside": "halving_doubling")",
        R"("across": "recursive_doubling")", R"("across": {"kind": "custom", "parts": 1, "ranks": [{"steps": []}]})"})
    EXPECT_THROW(seconds(keys), std::invalid_argument) << keys;
  for (const char* keys : {R"("across": "auto", "inside": "auto")", R"("inside": "direct", "across": "tree")",
                           R"("across": "halving_doubling")"})
    EXPECT_GT(seconds(keys), 0) << keys;
}

TEST(Auto, DoesNotFloodTheNetworkWhereItNeedNot) {
  const AlgorithmMaker choose = collectives::all().named("auto");
  for (const Op op : {Op::reduce_scatter, Op::all_gather})
    EXPECT_NE(time_collective(Mesh(33), first(33), *choose, op, 1e3, Fidelity::fluid).algorithm, "direct");
}

TEST(InNetwork, TakesLongerByItsEfficiencyAndMovesNoMoreBytes) {
  Node document = parse_document(R"({"algorithm": {"kind": "in_network", "efficiency": 0.5}})", "test.json");
  Reader::Context context;
  const AlgorithmMaker half = Reader(document, "", context).kind_or_name("algorithm", collectives::all(), {});
  for (const Fidelity fidelity : {Fidelity::fluid, Fidelity::fused, Fidelity::analytic})
    EXPECT_NEAR(time_collective(Mesh(4), first(4), *half, Op::all_reduce, 1e6, fidelity).seconds,
                2 * alpha + 2 * 1e6 * 1.25 * beta, 3e-12)
        << name_of(fidelity);
}

}  // namespace
}  // namespace paceline::test
