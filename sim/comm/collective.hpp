// Collective: one call of a collective operation on S bytes among the ranks of a communicator, from the first to join
// to the last to leave. Algorithm: what makes them. Given values, these really travel with the messages.
//
// Rank r starts with S bytes, or with part r of them (all_gather), and ends with
//     all_reduce      the sum of all
//     reduce_scatter  part r of the sum, of N equal parts
//     all_gather      all parts
//     broadcast       what rank 0 has
//     all_to_all      in part q what rank q had in its part r
#pragma once
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/comm/communicator.hpp"
#include "sim/core/ledger.hpp"
#include "sim/core/registry.hpp"

namespace paceline {

class Collective {
 public:
  Collective(Communicator& group, Op op, double bytes) : group_(group), op_(op), bytes_(bytes) {}
  virtual ~Collective() = default;
  Collective(const Collective&) = delete;

  // What rank r does. Ends when it has the result.
  virtual Task<> member(int rank) = 0;

  // The values of a rank, of equal lengths; the result takes their place. Before it joins.
  virtual void attach(int rank, std::span<float> values) {
    values_.resize(std::size_t(size()));
    values_[std::size_t(rank)] = values;
  }

 protected:
  // `count` parts from `first` on, of `of` equal ones.
  struct Part {
    std::size_t first, count, of;
  };
  // One rank's messages to another, in order.
  class Port {
   public:
    Port(Engine& engine, Connection& connection, int from, int to);
    // Awaitable: the next message is in.
    auto next() { return in_.reach(++expected_); }
    // Awaitable: all that were sent are delivered.
    auto delivered() { return out_.reach(sent_); }

   private:
    friend class Collective;
    static void on_arrival(void* self, std::uint32_t) {
      static_cast<Port*>(self)->in_.arrive();
      static_cast<Port*>(self)->out_.arrive();
    }
    Connection& connection_;
    int from_, to_;
    Arrivals in_, out_;
    std::uint64_t sent_ = 0, expected_ = 0;
    std::list<Values> values_;  // of messages that are not taken in
  };

  int size() const { return group_.size(); }
  Part all() const { return {0, 1, 1}; }
  Part chunk(int index) const {
    const int n = size();
    return {std::size_t((index % n + n) % n), 1, std::size_t(n)};
  }
  double bytes(Part part) const { return bytes_ * double(part.count) / double(part.of); }

  // Those of one channel are told apart from those of another; on the wire all stay in order.
  Port& port(int from, int to, unsigned channel = 0);
  void send(Port& to, Part part);
  // Takes in the message that came next: adds its values to one's own, or keeps them in their place.
  void add(Port& from, Part part) { take(from, part, true); }
  void keep(Port& from, Part part) { take(from, part, false); }
  // Or counts it only.
  void take_in(Port& from, Part part);

  bool has_values(int rank) const { return !values_.empty() && !values_[std::size_t(rank)].empty(); }
  std::span<float> values(int rank, Part part) const;
  // The result of the operation in the order of ranks, where nothing travels.
  void reckon();

  Communicator& group_;
  const Op op_;
  const double bytes_;

 private:
  void take(Port& from, Part part, bool sum);

  std::unordered_map<std::uint64_t, Port> ports_;
  std::vector<std::span<float>> values_;  // by rank
};

class Algorithm {
 public:
  virtual ~Algorithm() = default;
  virtual std::string name() const = 0;
  // Why it cannot do this; empty: it can.
  virtual std::string refuses(Op op, Communicator& group) const = 0;
  // Every message a transfer.
  virtual std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const = 0;
  virtual Plan plan(Op op, Communicator& group, double bytes) const = 0;
  // What is really taken for this operation; itself, unless it chooses among others.
  virtual const Algorithm& chosen(Op, Communicator&, double) const { return *this; }
  // Only single messages will do.
  virtual bool always_fluid() const { return false; }
};
using AlgorithmMaker = std::shared_ptr<const Algorithm>;

// A call of a collective at the communicator's fidelity. `bound`, if given, is set to the least seconds from the first
// to join to the last to leave. Throws std::invalid_argument when the algorithm refuses.
std::unique_ptr<Collective> make_collective(const Algorithm& algorithm, Op op, Communicator& group, double bytes,
                                            double* bound = nullptr);

namespace collectives {
const Registry<AlgorithmMaker>& all();
}

}  // namespace paceline
