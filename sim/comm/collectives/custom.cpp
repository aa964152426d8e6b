// custom: a collective as lists of steps, one list for each rank. The bytes are `parts` equal parts; a step sends one
// part, or receives one, to keep it or to add it to one's own:
//     {"send": 1, "part": 0}   {"receive": 0, "part": 0}   {"reduce": 0, "part": 0}
// A rank's sends do not block, its receives do; messages from one rank to another arrive in order. What the lists
// amount to is checked when they are read: no message is left over or waited for in vain, parts match, and all ranks
// end with what the operation promises, every contribution once.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>

#include "sim/comm/collective.hpp"

namespace paceline::collectives {
namespace {

enum class Does { send, keep, add };
struct Step {
  Does does;
  int peer;
  std::size_t part;
};
struct Program {
  Op op = Op::all_reduce;
  std::size_t parts = 1;
  std::vector<std::vector<Step>> ranks;
};

class CustomCall final : public Collective {
 public:
  CustomCall(Communicator& group, Op op, double bytes, const Program& program)
      : Collective(group, op, bytes), program_(program) {}

  Task<> member(int rank) override {
    for (const Step& step : program_.ranks[std::size_t(rank)]) {
      const Part part{step.part, 1, program_.parts};
      if (step.does == Does::send) {
        send(port(rank, step.peer), part);
        continue;
      }
      Port& from = port(step.peer, rank);
      co_await from.next();
      if (step.does == Does::add) add(from, part);
      else keep(from, part);
    }
  }

 private:
  const Program& program_;
};

class Custom final : public Algorithm {
 public:
  explicit Custom(Program program) : program_(std::move(program)) {}
  std::string name() const override { return "custom"; }
  bool always_fluid() const override { return true; }
  std::string refuses(Op op, Communicator& group) const override {
    if (op != program_.op) return fmt::format("is written for {}", name_of(program_.op));
    if (group.size() == int(program_.ranks.size())) return "";
    return fmt::format("is written for {} ranks, not {}", program_.ranks.size(), group.size());
  }
  std::unique_ptr<Collective> messages(Op op, Communicator& group, double bytes) const override {
    return std::make_unique<CustomCall>(group, op, bytes, program_);
  }
  // All messages at once: for the lower bound.
  Plan plan(Op, Communicator& group, double bytes) const override {
    Phase phase;
    for (int rank = 0; rank < group.size(); ++rank)
      for (const Step& step : program_.ranks[std::size_t(rank)])
        if (step.does == Does::send)
          phase.push_back({rank, step.peer, bytes / double(program_.parts), group.latency(rank, step.peer)});
    return {phase};
  }

 private:
  Program program_;
};

// Runs a program on lists of contributions instead of bytes.
class Rehearsal {
 public:
  explicit Rehearsal(const Program& program) : program_(program), ranks_(int(program.ranks.size())) {
    for (int rank = 0; rank < ranks_; ++rank) {
      auto& mine = has_.emplace_back(program.parts, Contributions(std::size_t(ranks_), 0));
      for (auto& part : mine) ++part[std::size_t(rank)];
    }
  }
  // What is wrong with it; empty: nothing.
  std::string run() {
    std::vector<std::size_t> next(std::size_t(ranks_), 0);
    for (bool moved = true; std::exchange(moved, false);) {
      for (int rank = 0; rank < ranks_; ++rank) {
        const auto& steps = program_.ranks[std::size_t(rank)];
        std::size_t& at = next[std::size_t(rank)];
        for (; at < steps.size(); ++at, moved = true) {
          const Step& step = steps[at];
          auto& mine = has_[std::size_t(rank)][step.part];
          if (step.does == Does::send) {
            wire_[{rank, step.peer}].push_back({step.part, mine});
            continue;
          }
          auto& in = wire_[{step.peer, rank}];
          if (in.empty()) break;
          const auto [part, contributions] = in.front();
          if (part != step.part)
            return fmt::format("rank {}, step {}: takes part {}, but rank {} has sent part {}", rank, at, step.part,
                               step.peer, part);
          for (std::size_t i = 0; i < mine.size(); ++i)
            mine[i] = (step.does == Does::add ? mine[i] : 0) + contributions[i];
          in.pop_front();
        }
      }
    }
    for (int rank = 0; rank < ranks_; ++rank)
      if (const std::size_t at = next[std::size_t(rank)]; at < program_.ranks[std::size_t(rank)].size())
        return fmt::format("rank {}, step {}: waits for rank {} for ever", rank, at,
                           program_.ranks[std::size_t(rank)][at].peer);
    for (const auto& [ends, messages] : wire_)
      if (!messages.empty())
        return fmt::format("rank {} never takes in what rank {} sends last", ends.second, ends.first);
    return result();
  }

 private:
  using Contributions = std::vector<int>;  // how often each rank's is in it
  struct Message {
    std::size_t part;
    Contributions contributions;
  };

  std::string result() const {
    for (int rank = 0; rank < ranks_; ++rank) {
      for (std::size_t part = 0; part < program_.parts; ++part) {
        const auto owner = part * std::size_t(ranks_) / program_.parts;
        if (program_.op == Op::reduce_scatter && owner != std::size_t(rank)) continue;
        const bool sums = program_.op == Op::all_reduce || program_.op == Op::reduce_scatter;
        for (std::size_t i = 0; i < std::size_t(ranks_); ++i) {
          const int wanted = sums ? 1 : int(i == (program_.op == Op::broadcast ? 0 : owner));
          if (const int found = has_[std::size_t(rank)][part][i]; found != wanted)
            return fmt::format("rank {} ends with rank {}'s share of part {} {} times; {} needs it {}", rank, i, part,
                               found, name_of(program_.op), wanted ? "once" : "not at all");
        }
      }
    }
    return "";
  }

  const Program& program_;
  const int ranks_;
  std::vector<std::vector<Contributions>> has_;  // by rank and part
  std::map<std::pair<int, int>, std::deque<Message>> wire_;
};

void read_step(Reader& in, int rank, Program& program) {
  const IntegerKey peer{.minimum = 0, .maximum = 1 << 20, .help = "a rank"};
  const auto send = in.optional_integer("send", peer), keep = in.optional_integer("receive", peer),
             add = in.optional_integer("reduce", peer);
  const auto part = in.integer("part", {.minimum = 0, .maximum = 1 << 20, .help = "from 0"});
  if (in.describing()) return;
  if (send.has_value() + keep.has_value() + add.has_value() != 1)
    in.fail("", "must have one of \"send\", \"receive\" and \"reduce\", with the other rank");
  const Does does = send ? Does::send : keep ? Does::keep : Does::add;
  const char* key = send ? "send" : keep ? "receive" : "reduce";
  const int other = int((send ? send : keep ? keep : add).value());
  if (other == rank) in.fail(key, fmt::format("rank {} cannot exchange messages with itself", rank));
  if (std::size_t(part) >= program.parts) in.fail("part", fmt::format("must be below {}, the parts", program.parts));
  program.ranks.back().push_back({does, other, std::size_t(part)});
}

}  // namespace

AlgorithmMaker custom(Reader& in) {
  in.about("lists of sends, receives and reductions, one for each rank; checked before it runs");
  Program program;
  std::vector<std::string> names;
  constexpr Op ops[] = {Op::all_reduce, Op::reduce_scatter, Op::all_gather, Op::broadcast};
  for (const Op op : ops) names.emplace_back(name_of(op));
  const std::string name =
      in.text("operation", {.choices = names, .fallback = "all_reduce", .help = "what the lists must amount to"});
  program.op = ops[std::size_t(std::find(names.begin(), names.end(), name) - names.begin())];
  program.parts =
      std::size_t(in.integer("parts", {.minimum = 1, .maximum = 1 << 20, .help = "equal parts of the bytes"}));
  in.objects("ranks", "an entry for each rank, in order", [&](Reader& rank) {
    const int index = int(program.ranks.size());
    program.ranks.emplace_back();
    rank.objects("steps", "in order; sends do not block, receives do",
                 [&](Reader& step) { read_step(step, index, program); });
  });
  if (in.describing()) return std::make_shared<Custom>(program);
  for (std::size_t rank = 0; rank < program.ranks.size(); ++rank)
    for (const Step& step : program.ranks[rank])
      if (step.peer >= int(program.ranks.size()))
        in.fail("ranks", fmt::format("rank {} names rank {}; there are {}", rank, step.peer, program.ranks.size()));
  if (program.ranks.empty()) in.fail("ranks", "must list what each rank does");
  if (const std::string wrong = Rehearsal(program).run(); !wrong.empty()) in.fail("ranks", wrong);
  return std::make_shared<Custom>(std::move(program));
}

}  // namespace paceline::collectives
