// One run from top to bottom: its figures, its plots, its self-checks, its scenario.
import type { Run } from './data';
import { element, table } from './dom';
import type { Format } from './format';
import { bytes, count, percent, plain, rate, seconds } from './format';
import { figure } from './plot';
import { curve } from './plots/curve';
import { links } from './plots/links';
import { staleness } from './plots/staleness';
import { over_steps, step_times } from './plots/step_times';
import { timeline } from './plots/timeline';
import { waits } from './plots/waits';
import { worker_times } from './plots/worker_times';

const plots = [curve, worker_times, timeline, step_times, over_steps, staleness, waits, links];

const headline: [string, string, Format][] = [
  ['Simulated time', 'simulated_time_s', seconds],
  ['Time to accuracy', 'time_to_accuracy_s', seconds],
  ['Final test accuracy', 'final_test_accuracy', percent],
  ['Final test loss', 'final_test_loss', plain],
  ['Throughput', 'throughput_samples_per_s', rate],
  ['Steps', 'steps', count],
  ['Updates', 'updates', count],
  ['Epochs', 'epochs', count],
  ['Compute', 'compute_fraction', percent],
  ['Exposed communication', 'exposed_communication_fraction', percent],
  ['Wait', 'wait_fraction', percent],
  ['Queue', 'queue_fraction', percent],
  ['Down', 'down_fraction', percent],
  ['Load imbalance', 'load_imbalance', percent],
  ['Bytes on the wire', 'bytes_on_wire', bytes],
  ['Dropped gradients', 'dropped_gradients', count],
];

const figures = ({ summary }: Run): HTMLElement =>
  element('dl', { class: 'figures' }, ...headline
    .filter(([, key]) => summary[key] !== null && summary[key] !== undefined)
    .map(([name, key, show]) => element('div', {}, element('dt', {}, name),
      element('dd', { 'data-key': key, title: String(summary[key]) }, show(summary[key] as number)))));

const checks = ({ checks: all }: Run): HTMLElement => {
  const made = table('Rules that every run is checked against', {
    columns: [{ name: 'rule', kind: 'text' }, { name: 'holds', kind: 'text' }, { name: 'figures', kind: 'wrap' }],
    rows: all.map(({ name, holds, detail }) => [name, holds ? '✓ holds' : '✗ does not hold', detail]),
  });
  for (const cell of made.querySelectorAll('td:nth-child(2)')) cell.classList.add(cell.textContent!.startsWith('✓') ? 'good' : 'bad');
  return made;
};

export const run_part = (run: Run): HTMLElement[] => [
  element('h2', { id: 'figures' }, 'Figures'),
  element('p', {}, `Ended by ${run.outcome.reason}${run.outcome.detail ? `: ${run.outcome.detail}` : ''}.`),
  figures(run),
  element('h2', { id: 'plots' }, 'Plots'),
  element('div', { class: 'plots' }, ...plots.map((plot) => plot(run)).filter((made) => made !== undefined).map((made) => figure(made))),
  ...(run.steps ? [] : [element('p', { class: 'note' }, 'The run has no steps.csv (output.steps is false): no timeline, no times of batches.')]),
  element('h2', { id: 'checks' }, 'Self-checks'),
  checks(run),
  element('h2', { id: 'scenario' }, 'Scenario'),
  element('p', { class: 'note' }, `Seed ${run.seed}, hash ${run.scenario_hash.slice(0, 16)}, events ${run.fingerprint}; computed in ${seconds(run.performance.wall_s)}, ${count(run.performance.events)} events.`),
  element('pre', { tabindex: '0', 'aria-label': 'The resolved scenario' }, run.scenario),
];
