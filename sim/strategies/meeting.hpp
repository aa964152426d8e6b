// Meeting: a group of workers that come together again and again in an all-reduce, as to average what they have. All
// are blocked in it until it is through, so the first to leave finds everybody's as it went in.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "sim/strategies/reduction.hpp"

namespace paceline {

class Meeting {
 public:
  // `ranks`: of the workers, ascending. Throws ConfigError at `pointer` when the algorithm does not fit them.
  Meeting(Training& training, std::vector<int> ranks, AlgorithmMaker algorithm, ReductionRecord& record,
          const std::string& pointer = "/training/strategy/algorithm");

  const std::vector<int>& ranks() const { return ranks_; }
  // A worker's part in the all-reduce number `round` of so many bytes. `first` is called when the first leaves, `last`
  // when the last does.
  Task<> meet(Worker& me, std::int64_t round, double bytes, std::function<void()> first,
              std::function<void()> last = {});
  // Nobody is in it any more.
  void forget() {
    group_.reset();
    rounds_.clear();
  }

 private:
  struct Round {
    Reduction reduction;
    std::size_t left = 0;
  };
  Training& training_;
  std::vector<int> ranks_;
  Communicator& group_;
  AlgorithmMaker algorithm_;
  ReductionRecord& record_;
  std::map<std::int64_t, Round> rounds_;
};

// Workers in groups: those of a host, of a rack (behind one switch), or so many each in order.
struct Grouping {
  enum class By { host, rack, size } by = By::host;
  int size = 0;
  std::vector<std::vector<int>> of(Training& training) const;
};
// The key `group`: "host", "rack" or a number.
Grouping read_grouping(Reader& in);

}  // namespace paceline
