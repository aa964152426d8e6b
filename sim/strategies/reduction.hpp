// Reduction: one collective operation among all workers, or a group, in one or several buckets, and what it made
// workers wait for.
//
// A worker's blocked time up to the arrival of a bucket's last member is wait, the rest exposed communication.
#pragma once
#include <boost/container/small_vector.hpp>
#include <memory>
#include <vector>

#include "sim/comm/collective.hpp"
#include "sim/strategies/training.hpp"
#include "sim/strategies/worker.hpp"

namespace paceline {

// What all reductions of a run amount to.
struct ReductionRecord {
  std::uint64_t collectives = 0;
  double least_margin = 1e300;  // least measured time over lower bound

  Check check() const;
};

// Throws ConfigError at a key of the scenario when the algorithm cannot do this among all workers, or a group.
void require(const Algorithm& algorithm, Op op, Training& training, std::string pointer);
void require(const Algorithm& algorithm, Op op, Communicator& group, std::string pointer);

class Reduction {
 public:
  Reduction(Training& training, Communicator& group, const Algorithm& algorithm, Op op,
            std::vector<double> bucket_bytes, ReductionRecord& record);

  // A worker's way through all buckets, one at a time, each as soon as the worker's backward has yielded it
  // (overlapped) or at once.
  class Lane final : public Blocking {
   public:
    // `rank`: in the group.
    Lane(Reduction& of, Worker& worker, int rank) : of_(of), worker_(worker), rank_(rank) {}
    Lane(Reduction& of, Worker& worker) : Lane(of, worker, worker.rank()) {}
    Task<> run(bool wait_for_backward);
    // Through the next bucket alone.
    Task<> next();
    void split(Time from, Time to, const Spend& spend) const override;
    // What leads out of a bucket is the path to its last member's joining, and communication from there.
    void hand_over(Time from, Time to, Path& path) const override;
    // When bytes moved: from the arrival of a bucket's last member until this worker left it.
    struct Period {
      Time from, until;
    };
    std::vector<Period> moving() const;
    // How long bytes moved before that time.
    Span moving_before(Time time) const;

   private:
    friend class Reduction;
    Path path_to_join(std::size_t index) const;
    struct Stay {
      Time joined, left;
    };
    Reduction& of_;
    Worker& worker_;
    int rank_;
    boost::container::small_vector<Stay, 1> stays_;  // by bucket; left is Time::max() while it lasts
  };

  std::size_t buckets() const { return buckets_.size(); }
  Collective& bucket(std::size_t index);

 private:
  struct Bucket {
    double bytes = 0;
    std::unique_ptr<Collective> collective;
    double lower_bound = 0;  // seconds
    int joined = 0, left = 0;
    Time first_joined{};
    Time last_joined = Time::max();  // once all have
    int last = nobody;               // that worker
    std::int64_t ranks = 0;          // of those who have, summed
    Path path;                       // to the last one's joining
  };
  int awaited(const Bucket& bucket) const;
  Training& training_;
  Communicator& group_;
  const Algorithm& algorithm_;
  const Op op_;
  ReductionRecord& record_;
  std::vector<Bucket> buckets_;
};

}  // namespace paceline
