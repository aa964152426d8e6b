// The document in the page, as sim/experiment/report writes it. Times in seconds, sizes in bytes; columns of one object
// belong together.
export type Maybe = number | null;

export interface Summary {
  [key: string]: unknown;
  simulated_time_s: number;
  steps: number;
  updates: number;
  samples: number;
  epochs: number;
  throughput_samples_per_s: Maybe;
  final_test_accuracy: Maybe;
  best_test_accuracy: Maybe;
  final_test_loss: Maybe;
  time_to_accuracy_s: Maybe;
  compute_fraction: number;
  exposed_communication_fraction: number;
  wait_fraction: number;
  queue_fraction: number;
  down_fraction: number;
  load_imbalance: number;
  bytes_on_wire: number;
  staleness: { mean: number; p50: number; p95: number; max: number; histogram: number[] };
}
export interface Curve {
  time_s: number[];
  step: number[];
  samples: number[];
  train_loss: Maybe[];
  test_loss: Maybe[];
  test_accuracy: Maybe[];
  bytes_on_wire: number[];
}
export interface Workers {
  count: number;
  group: number; // so many neighbours make one entry, their mean
  compute_s: number[];
  exposed_communication_s: number[];
  wait_s: number[];
  queue_s: number[];
  down_s: number[];
  blamed_s: number[];
  steps: number[];
}
export interface Waits {
  group: number;
  groups: number;
  worker: number[];
  for: number[];
  wait_s: number[];
}
export interface Links {
  count: number; // of all; the columns have the busiest
  link: string[];
  bytes: number[];
  utilization: Maybe[];
  peak_utilization: Maybe[];
  busy_s: number[];
  mean_flows: number[];
}
export interface Timeline {
  first_step: number;
  last_step: number;
  worker: number[];
  step: number[];
  start_s: number[];
  compute_s: number[];
  wait_s: number[];
  exposed_communication_s: number[];
  queue_s: number[];
  staleness: number[];
}
export interface Steps {
  durations: {
    rows: number;
    mean_s: number;
    min_s: number;
    p50_s: number;
    p95_s: number;
    max_s: number;
    edges_s: number[];
    counts: number[];
  };
  over_steps: {
    width: number;
    compute_s: number[];
    wait_s: number[];
    exposed_communication_s: number[];
    queue_s: number[];
    longest_s: number[];
    staleness: number[];
  };
  timeline: Timeline;
}
export interface Run {
  label: string;
  name: string;
  scenario_hash: string;
  seed: number;
  fingerprint: string;
  outcome: { reason: string; detail: string };
  summary: Summary;
  checks: { name: string; holds: boolean; detail: string }[];
  performance: { wall_s: number; events: number; events_per_s: number; peak_memory_bytes: number };
  curve: Curve;
  workers: Workers;
  waits: Waits;
  links: Links;
  steps: Steps | null;
  scenario: string;
}
// A run as one of several.
export interface Sample {
  label: string;
  name: string;
  axes: Record<string, unknown>; // dotted key: value, where runs differ in more than the seed
  seed: number;
  workers: number;
  reason: string;
  stop_accuracy: Maybe;
  measures: Record<string, Maybe>; // by their names in results.json
  curve: { time_s: number[]; step?: number[]; bytes_on_wire: number[]; test_accuracy: Maybe[] };
}
export interface Document {
  paceline_version: string;
  runs: Run[];
  samples?: Sample[];
  notes?: string[]; // what was left out, and why
  student_975?: number[]; // t of 1, 2, … degrees of freedom
}
