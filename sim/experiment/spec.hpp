// Spec: a scenario that has been read and found right. It holds makers, no JSON; an Experiment is built from it.
#pragma once
#include <string>
#include <vector>

#include "models/dataset.hpp"
#include "models/model.hpp"
#include "models/optimizer.hpp"
#include "models/partition.hpp"
#include "models/schedule.hpp"
#include "sim/cluster/cluster.hpp"
#include "sim/compressors/compressor.hpp"
#include "sim/experiment/trace/spec.hpp"
#include "sim/strategies/recovery.hpp"

namespace paceline {

struct Spec {
  std::string name, description;
  std::uint64_t seed = 1;
  bool numerics = true;

  ClusterSpec cluster;

  ModelMaker model;
  DatasetMaker dataset;
  std::vector<int> batch_sizes;  // by worker
  bool shuffled = true;
  PartitionMaker partition;
  BalanceMaker balance;
  CostMaker cost;

  StrategyMaker strategy;
  OptimizerMaker optimizer;
  CompressorMaker compression;
  Schedule schedule;
  EvaluateRule evaluate;
  StopRule stop;
  RecoverySpec recovery;
  bool recovers = false;                   // it is given
  std::int64_t most_at_once = 10'000'000;  // batches of one instant: where nothing takes time, no time is reached

  bool write_steps = true, write_flows = false, write_traffic = false, record_cost = false;
  TraceSpec trace;
  double checkpoint_wall = 300;  // seconds of wall time between checkpoints of the simulator

  std::string resolved;            // the scenario as JSON, with all it extends and the files it names; runs as it is
  std::string hash;                // SHA-256 of it, data files by their content
  std::vector<std::string> notes;  // what a user should know of the defaults that were taken
};

}  // namespace paceline
