// GraphWalk: one rank's way through its graph (see graph.hpp), step after step, and where its worker's time goes.
//
// Computes are done on its device, one at a time, in the order in which they may begin, then in the rank's. A send is
// over when its message has arrived; so is a receive that waits for it.
//
// Where a worker does not compute its time goes by what it began first of the messages and collectives that are not
// over: wait until the message is sent, or the last has joined, communication from there.
#pragma once
#include <deque>
#include <map>

#include "sim/core/sync.hpp"
#include "sim/strategies/graph.hpp"
#include "sim/strategies/reduction.hpp"

namespace paceline {

class GraphWalk;

// What the walks of all ranks share.
struct GraphWalks {
  struct Call {
    Reduction reduction;
    std::vector<bool> in;  // by rank of the group: it has joined, and not left
    std::size_t joined = 0, left = 0;
    Path path{};  // to the last one's joining
  };
  Training& training;
  std::shared_ptr<const Graph> graph;
  AlgorithmMaker algorithm;
  ReductionRecord record{};
  std::vector<Communicator*> groups{};         // of the graph's
  std::vector<std::unique_ptr<Call>> calls{};  // of its collectives
  std::vector<std::unique_ptr<GraphWalk>> ranks{};
};

// One rank's way through its graph, step after step.
class GraphWalk final : public Blocking {
 public:
  GraphWalk(GraphWalks& all, int rank);
  ~GraphWalk();

  double seconds() const { return seconds_of_all_; }  // of its computes
  // All of it, once; a compute takes `factor` times what it says.
  Task<> run(double factor);
  // Before it begins again, and before anybody does.
  void rewind();

  void split(Time from, Time to, const Spend& spend) const override;
  void hand_over(Time, Time to, Path& path) const override {
    if (latest_.end() == to) path = latest_;
  }

 private:
  // Messages and collectives that have begun and are not over.
  struct Pending {
    std::size_t node;
    Time since;
    Path path;  // to its begin
    const Reduction::Lane* lane = nullptr;
  };
  struct Message {
    Time sent;
    bool arrived = false;
  };
  // Collectives of one group, one after the other.
  struct Lane {
    Lane(Engine& engine, const std::string& label) : free(engine, "collectives of the " + label) {}
    std::vector<std::size_t> nodes{};
    Arrivals free;
    Path path{};  // to the latest one's being free to begin
  };
  struct Active {
    explicit Active(GraphWalk& walk) : walk_(walk) { walk_.active_ = true; }
    ~Active() { walk_.active_ = false; }
    Active(const Active&) = delete;

   private:
    GraphWalk& walk_;
  };

  Time now() const { return all_.training.engine().now(); }
  GraphWalk& peer(std::size_t node) const { return *all_.ranks[std::size_t(nodes_[node].peer)]; }
  void settle() { me_.path(); }  // the time so far goes by what is pending so far

  void begin(std::size_t node, const Path& path);
  void over(std::size_t node, const Path& path);
  void add_pending(Pending pending);
  Pending take_pending(std::size_t node);
  void tell(const Pending& pending, Time moving) const;
  static void on_arrival(void* self, std::uint32_t node) { static_cast<GraphWalk*>(self)->arrived(node); }
  void send(std::size_t node, const Path& path);
  void arrived(std::size_t node);
  void receive(std::size_t node, const Path& path);
  Task<> compute(double factor);
  Task<> on_device(double seconds);
  Task<> follow(Lane& lane);
  Task<> end() { co_await over_.reach((steps_ + 1) * nodes_.size()); }

  // Overlapped is when the device computes and something of the worker's moves.
  void set_state(bool computing, int moving) {
    if (computing_ && moving_ > 0) me_.add_overlap(now() - seen_);
    seen_ = now();
    computing_ = computing;
    moving_ = moving;
  }
  void move(int by) { set_state(computing_, moving_ + by); }

  GraphWalks& all_;
  Worker& me_;
  Device& device_;
  const std::vector<GraphNode>& nodes_;
  std::string label_;
  std::vector<double> seconds_;  // by node
  double seconds_of_all_ = 0;
  std::size_t computes_ = 0;
  std::map<std::size_t, Lane> lanes_;  // by group

  bool active_ = false;
  std::uint64_t steps_ = 0;                  // that are through
  std::vector<std::size_t> awaits_;          // by node: how many must be over before
  std::map<std::size_t, Message> messages_;  // by receive: sent, and not received
  std::vector<Pending> pending_;             // as they began
  std::deque<std::pair<std::size_t, Path>> finished_;
  std::map<std::pair<Time, std::size_t>, Path> computable_;  // since when, and which
  Arrivals over_, free_;
  Path latest_;  // to what was over last
  bool computing_ = false;
  int moving_ = 0;
  Time seen_{};
};

}  // namespace paceline
