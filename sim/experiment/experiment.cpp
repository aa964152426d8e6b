#include "sim/experiment/experiment.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <numeric>

#include "sim/experiment/memory.hpp"
#include "sim/experiment/trace/trace_file.hpp"

namespace paceline {
namespace {

constexpr std::size_t largest_model = std::size_t{1} << 31;  // parameters

double cpu_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

double peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) * 1024;
}

StalenessSummary summarize(const std::vector<std::uint64_t>& histogram) {
  StalenessSummary s{.histogram = histogram};
  const double total = double(std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0}));
  if (total == 0) return s;
  double below = 0, weighted = 0;
  bool half = false, most = false;
  for (std::size_t tau = 0; tau < histogram.size(); ++tau) {
    below += double(histogram[tau]);
    weighted += double(tau) * double(histogram[tau]);
    if (!std::exchange(half, half || below >= 0.5 * total) && below >= 0.5 * total) s.p50 = std::int64_t(tau);
    if (!std::exchange(most, most || below >= 0.95 * total) && below >= 0.95 * total) s.p95 = std::int64_t(tau);
    if (histogram[tau] > 0) s.max = std::int64_t(tau);
  }
  s.mean = weighted / total;
  return s;
}

}  // namespace

Experiment::Experiment(const Spec& spec, Threads& threads) : spec_(spec), threads_(threads) {
  const DataShape shape = spec.dataset.shape();
  std::shared_ptr<const Model> model = spec.model.make(shape);
  if (model->size() > largest_model)
    throw ConfigError({}, "/workload/model",
                      fmt::format("has {} parameters; at most {} are possible", model->size(), largest_model));
  if (shape.train_rows == 0) throw ConfigError({}, "/workload/dataset", "has no training rows");
  std::vector<int> sizes = spec.batch_sizes;
  cost_ = make_cost(spec, *model, sizes);
  if (spec.balance.begin) {
    sizes = spec.balance.begin(*cost_, sizes);
    cost_ = make_cost(spec, *model, sizes);
  }

  tensors_ = model->tensors();
  Numerics numerics;
  if (spec.numerics) {
    const std::vector<float> initial = initial_parameters(*model, spec.model.seed.value_or(spec.seed));
    initial_ = std::make_shared<Values>(initial.begin(), initial.end());
    data_ = spec.dataset.load();
    numerics = {data_, model};
  }
  cluster_ = std::make_unique<Cluster>(engine_, spec.cluster, spec.seed);
  Shares shares = split(shape, numerics.data.get());
  pool_ = std::make_unique<GradientPool>(numerics,
                                         Batches(shape.train_rows, sizes, spec.shuffled, spec.seed, std::move(shares),
                                                 spec.balance.make ? spec.balance.make(sizes) : nullptr),
                                         threads);
}

// Without numerics nobody reads a row.
Shares Experiment::split(const DataShape& shape, const Dataset* data) const {
  const int workers = spec_.cluster.workers;
  if (!spec_.partition.split) return {};
  if (shape.train_rows < std::size_t(workers))
    throw ConfigError({}, "/workload/partition",
                      fmt::format("leaves workers without a row: {} workers, {} rows", workers, shape.train_rows));
  if (!data) return {};
  std::vector<double> speeds;
  for (const DeviceSpec& device : spec_.cluster.devices) speeds.push_back(device.peak * device.efficiency);
  const std::vector<std::int32_t> labels = training_labels(*data);
  return spec_.partition.split({shape.train_rows, workers, spec_.seed, shape.classes, labels, speeds});
}

Experiment::~Experiment() { engine_.stop(); }

Results Experiment::run(const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  const Ledger::Scope enrolled(ledger_);
  if (!options.files.cost.empty()) costs_ = std::make_unique<CostRecord>(*cost_, spec_.batch_sizes);
  if (!options.files.trace.empty()) trace_ = make_trace(spec_.trace, *cluster_, options.files.trace);
  record_ = std::make_unique<Record>(
      spec_.cluster.workers, options.files, [this](int node) { return cluster_->topology().vertex_name(node); },
      costs_.get(), trace_.get());
  wire_ = std::make_unique<Wire>(*pool_, spec_.compression, tensors_, cost_->gradient_bytes(), spec_.cluster.workers,
                                 spec_.seed);
  training_ = std::make_unique<Training>(Training::Setup{engine_, *cluster_, *cost_, *pool_, *wire_, *record_,
                                                         spec_.optimizer, initial_, spec_.stop, spec_.evaluate,
                                                         spec_.schedule, spec_.recovery, spec_.most_at_once});
  strategy_ = training_->make(spec_.strategy);
  if (!options.checkpoint.empty())
    checkpoints_ = std::make_unique<Checkpoints>(options.checkpoint, spec_.hash, engine_, *pool_, ledger_);
  if (options.resume) checkpoints_->resume();
  if (options.max_events) engine_.limit_events(options.max_events);
  poll_every_ = pool_->real() ? 8 : 1024;
  if (options.poll || checkpoints_) engine_.set_interrupt([&] { look(options); }, options.resume ? 1 : poll_every_);
  training_->start(*strategy_);
  run_events();
  training_->close();
  record_->close();
  if (trace_) trace_->close(engine_.now());
  if (costs_) write_file(options.files.cost, costs_->to_json());
  Results results = collect();
  results.performance.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  results.performance.cpu_s = cpu_seconds() - cpu;
  engine_.stop();
  return results;
}

void Experiment::look(const RunOptions& options) {
  const bool playing = checkpoints_ && checkpoints_->is_playing();
  if (playing) checkpoints_->arrive();
  if (engine_.events() % poll_every_ != 0) return;
  if (checkpoints_ && !playing && pool_->real() && checkpoints_->age() > spec_.checkpoint_wall) checkpoints_->write();
  if (options.poll && !training_->finished()) options.poll(progress());
}

// Until it ends by itself or is interrupted, which leaves a checkpoint, unless the one before holds yet.
void Experiment::run_events() {
  const auto interrupted = [this](const char* reason, const std::exception& why) {
    if (checkpoints_ && checkpoints_->is_playing()) return false;
    std::string detail = why.what();
    try {
      if (checkpoints_) training_->finished() ? checkpoints_->remove() : checkpoints_->write();
    } catch (const RunError& error) { detail += fmt::format("; no checkpoint: {}", error.what()); }
    training_->finish(reason, detail);
    return true;
  };
  try {
    engine_.run();
  } catch (const Interrupted& stop) {
    if (!interrupted("interrupted", stop)) throw;
    return;
  } catch (const LimitReached& limit) {
    if (!interrupted("limit", limit)) throw;
    return;
  } catch (const Deadlock& deadlock) {
    deadlock_ = deadlock.what();
    training_->finish("deadlock", deadlock_);
  }
  if (!checkpoints_) return;
  if (checkpoints_->is_playing())
    throw RunError(fmt::format("the run has ended before event {}, where its checkpoint is: it is another one",
                               checkpoints_->target()));
  checkpoints_->remove();
}

std::shared_ptr<const Values> Experiment::parameters() const {
  return pool_->real() ? strategy_->evaluated() : nullptr;
}

std::string Experiment::trace_note() const { return trace_ ? trace_->note() : ""; }

Progress Experiment::progress() const {
  const StopRule& stop = spec_.stop;
  Progress p{.simulated_time_s = to_seconds(engine_.now()), .steps = training_->steps(), .epochs = training_->epochs()};
  if (training_->latest()) p.test_accuracy = training_->latest()->test_accuracy;
  if (stop.steps) p.fraction = std::max(p.fraction, p.steps / double(*stop.steps));
  if (stop.updates) p.fraction = std::max(p.fraction, double(training_->counts().updates) / double(*stop.updates));
  if (stop.epochs) p.fraction = std::max(p.fraction, p.epochs / *stop.epochs);
  if (stop.time) p.fraction = std::max(p.fraction, p.simulated_time_s / *stop.time);
  p.fraction = std::min(p.fraction, 1.0);
  return p;
}

Results Experiment::collect() const {
  const Counts& counts = training_->counts();
  const double time = to_seconds(engine_.now());
  Results r;
  r.name = spec_.name;
  r.hash = spec_.hash;
  r.seed = spec_.seed;
  r.fingerprint = engine_.fingerprint();
  r.reason = training_->reason().empty() ? "idle" : training_->reason();
  r.detail = training_->detail();
  r.simulated_time_s = time;
  r.steps = training_->steps();
  r.epochs = training_->epochs();
  r.bytes_on_wire = training_->bytes_on_wire();
  r.links.reserve(cluster_->topology().links());
  r.background_bytes = cluster_->network().background().sent;
  r.rerouted = cluster_->network().statistics().rerouted;
  r.held = cluster_->network().statistics().held;
  r.updates = counts.updates;
  r.samples = counts.samples;
  r.failures = training_->failures();
  r.dropped = counts.dropped;
  r.cancelled = counts.cancelled;
  r.staleness = summarize(counts.staleness);
  r.curve = record_->points();
  for (const CurvePoint& point : r.curve) {
    if (!point.test_accuracy) continue;
    r.best_test_accuracy = std::max(r.best_test_accuracy.value_or(0), *point.test_accuracy);
    if (spec_.stop.accuracy && !r.time_to_accuracy_s && *point.test_accuracy >= *spec_.stop.accuracy)
      r.time_to_accuracy_s = to_seconds(point.time);
  }
  double most = 0, sum = 0;
  for (int w = 0; w < training_->workers(); ++w) {
    const Worker& worker = training_->worker(w);
    WorkerResult& result = r.workers.emplace_back();
    result.worker = w;
    if (!spec_.cluster.device_names.empty()) result.device = spec_.cluster.device_names[std::size_t(w)];
    result.steps = worker.steps();
    result.samples = worker.samples();
    for (std::size_t a = 0; a < activities; ++a) {
      result.seconds[a] = to_seconds(worker.spent()[a]);
      if (time > 0) r.fractions[a] += result.seconds[a] / (time * training_->workers());
    }
    if (time > 0) r.overlapped_fraction += to_seconds(worker.overlapped()) / (time * training_->workers());
    const double busy = result.seconds[std::size_t(Activity::compute)];
    most = std::max(most, busy);
    sum += busy;
    result.bytes_sent = training_->traffic()[std::size_t(w)].sent;
    result.bytes_received = training_->traffic()[std::size_t(w)].received;
    if (pool_->real()) result.partition_rows = std::int64_t(pool_->batches().rows());
  }
  describe_shares(r);
  if (time > 0)
    r.goodput =
        1 - r.fractions[std::size_t(Activity::down)] - to_seconds(r.failures.lost) / (time * training_->workers());
  if (sum > 0) r.load_imbalance = std::max(0.0, most / (sum / training_->workers()) - 1);
  attribute(r);
  const Network& network = cluster_->network();
  for (LinkId id = 0; id < cluster_->topology().links(); ++id) {
    LinkResult& link = r.links.emplace_back();
    link.name = cluster_->topology().link_name(id);
    link.bytes = network.carried(id);
    if (const double room = network.offered(id); room > 0) link.utilization = link.bytes / room;
    link.busy_s = to_seconds(network.busy(id));
    link.mean_flows = network.mean_flows(id);
    link.peak_utilization = network.peak(id);
  }
  for (const auto& [what, use] : training_->communicator().uses()) {
    const auto& [op, algorithm, fidelity] = what;
    r.collectives.push_back({name_of(op), algorithm, name_of(fidelity), use.calls, use.bytes});
  }
  r.checks = checks();
  r.performance = {.events = engine_.events(),
                   .transfers = network.statistics().transfers,
                   .gradients = pool_->computed(),
                   .peak_memory_bytes = peak_memory(),
                   .threads = threads_.count()};
  return r;
}

void Experiment::attribute(Results& r) const {
  const Waits& waits = training_->waits();
  double mean = 0, squares = 0;  // of compute
  for (WorkerResult& worker : r.workers) {
    const std::vector<Span>& row = waits.of(worker.worker);
    for (std::size_t on = 0; on < row.size(); ++on)
      if (row[on] > Span{0}) r.waits.push_back({worker.worker, int(on), to_seconds(row[on])});
    worker.blamed_s = to_seconds(waits.blamed(worker.worker));
    const double compute = worker.seconds[std::size_t(Activity::compute)], off = compute - mean;
    mean += off / (worker.worker + 1);
    squares += off * (compute - mean);
  }
  r.imbalance = {.max_over_mean = r.load_imbalance,
                 .wait_share = r.fractions[std::size_t(Activity::wait)],
                 .per_step = record_->imbalance()};
  if (mean > 0) r.imbalance.coefficient_of_variation = std::sqrt(squares / training_->workers()) / mean;

  const Path path = training_->critical_path();
  for (std::size_t a = 0; a < activities; ++a) r.critical_path.seconds[a] = to_seconds(path.spent(Activity(a)));
  for (int w = 0; w < training_->workers(); ++w) {
    CriticalPath::Share share{.worker = w, .compute_s = {}, .steps = training_->bounded(w)};
    if (waits.by_waiter()) share.compute_s = to_seconds(path.computed(w));
    if (share.steps > 0 || share.compute_s.value_or(0) > 0) r.critical_path.workers.push_back(share);
  }
}

void Experiment::describe_shares(Results& r) const {
  const Shares& shares = pool_->batches().shares();
  if (shares.empty()) return;
  const std::vector<std::int32_t> labels = training_labels(*pool_->data());
  const auto classes = std::size_t(pool_->data()->shape().classes);
  for (std::size_t w = 0; w < shares.size(); ++w) {
    r.workers[w].partition_rows = std::int64_t(shares[w].size());
    if (labels.empty()) continue;
    r.workers[w].label_counts.resize(classes);
    for (const std::uint32_t row : shares[w]) ++r.workers[w].label_counts[std::size_t(labels[row])];
  }
}

std::vector<Check> Experiment::attribution_checks() const {
  const Waits& waits = training_->waits();
  const auto gap = [](Span a, Span b) { return a < b ? b - a : a - b; };
  Span off{0}, charged{0}, blamed{0};
  for (int w = 0; w < training_->workers(); ++w) {
    const Span wait = training_->worker(w).spent()[std::size_t(Activity::wait)];
    const std::vector<Span>& row = waits.of(w);
    if (waits.by_waiter()) off = std::max(off, gap(std::accumulate(row.begin(), row.end(), waits.unblamed(w)), wait));
    charged += wait - waits.unblamed(w);
    blamed += waits.blamed(w);
  }
  off = std::max(off, gap(charged, blamed));

  const Path path = training_->critical_path();
  Span rest = gap(path.sum(), engine_.now().time_since_epoch());
  if (waits.by_waiter()) {
    Span computed{0};
    for (int w = 0; w < training_->workers(); ++w) computed += path.computed(w);
    rest = std::max(rest, gap(computed, path.spent(Activity::compute)));
  }
  return {{"waits add up", off == Span{0},
           fmt::format("largest gap {} ps, {} s charged to workers", off.count(), to_seconds(blamed))},
          {"critical path adds up", rest == Span{0},
           fmt::format("gap {} ps, {} s of it compute", rest.count(), to_seconds(path.spent(Activity::compute)))}};
}

std::vector<Check> Experiment::checks() const {
  std::vector<Check> checks;
  const Network& network = cluster_->network();
  Network::Totals bytes = network.totals();
  bytes += network.background();
  const double lost = bytes.sent - bytes.received - bytes.cancelled - bytes.in_flight;
  checks.push_back({"bytes sent = bytes received", std::abs(lost) <= 1e-9 * std::max(1.0, bytes.sent),
                    fmt::format("{:.6g} sent, {:.6g} received, {:.6g} taken back, {:.6g} in flight at the end",
                                bytes.sent, bytes.received, bytes.cancelled, bytes.in_flight)});
  double peak = 0, fastest = 0;
  for (LinkId id = 0; id < cluster_->topology().links(); ++id) {
    peak = std::max(peak, network.peak(id));
    fastest = std::max(fastest, spec_.cluster.network.bandwidth_factor * cluster_->topology().link(id).bandwidth);
  }
  // What the rates carried over time is what arrived, to a tick at the fastest link's rate for each transfer.
  const double off = std::abs(bytes.moved - bytes.received);
  const double tolerance = 1e-9 * bytes.sent + 1e-12 * fastest * double(network.statistics().transfers) + 1;
  checks.push_back({"bytes received = rates x time", off <= tolerance,
                    fmt::format("{:.6g} bytes apart, bound {:.6g}", off, tolerance)});
  checks.push_back({"link capacity", peak <= 1 + 1e-9, fmt::format("highest load {:.9g} of a link's capacity", peak)});

  Span largest{0};
  std::int64_t begun = 0;
  for (int w = 0; w < training_->workers(); ++w) {
    const auto& spent = training_->worker(w).spent();
    const Span rest = std::accumulate(spent.begin(), spent.end(), Span{0}) - engine_.now().time_since_epoch();
    largest = std::max(largest, rest < Span{0} ? -rest : rest);
    begun += training_->worker(w).begun();
  }
  checks.push_back({"worker times add up", largest == Span{0},
                    fmt::format("largest gap {} ps of {} s", largest.count(), to_seconds(engine_.now()))});

  for (Check& check : attribution_checks()) checks.push_back(std::move(check));

  const Counts& counts = training_->counts();
  const std::int64_t open = begun - counts.batches - counts.dropped - counts.cancelled - counts.rolled_back;
  checks.push_back({"no gradient lost", open >= 0 && open <= strategy_->most_open(training_->workers()),
                    fmt::format("{} begun, {} applied, {} dropped, {} cancelled, {}{} under way at the end", begun,
                                counts.batches, counts.dropped, counts.cancelled,
                                counts.rolled_back ? fmt::format("{} rolled back, ", counts.rolled_back) : "", open)});
  checks.push_back({"a row per gradient", record_->rows() == std::uint64_t(counts.gradients),
                    fmt::format("{} rows of {} gradients", record_->rows(), counts.gradients)});
  checks.push_back({"step times monotone", record_->in_order(), "no worker's batch began before its previous one"});
  for (Check& check : strategy_->checks()) checks.push_back(std::move(check));
  return checks;
}

}  // namespace paceline
