// Journal: all that numbers have told events, in order: the losses of gradients, and evaluations. A run that is played
// again from its journal has the same events without its gradients ever being computed.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace paceline {

struct Evaluation {
  std::optional<double> loss, accuracy;  // empty: nothing to test on; there are no classes
};

class Journal {
 public:
  std::vector<std::optional<double>> losses;
  std::vector<Evaluation> evaluations;

  bool is_played() const { return played_; }
  void play() { played_ = true; }
  bool is_at_end() const { return next_loss_ == losses.size() && next_evaluation_ == evaluations.size(); }
  void go_on() { played_ = false; }  // from its end

  std::optional<double> next_loss() { return losses.at(next_loss_++); }
  Evaluation next_evaluation() { return evaluations.at(next_evaluation_++); }

 private:
  bool played_ = false;
  std::size_t next_loss_ = 0, next_evaluation_ = 0;
};

}  // namespace paceline
