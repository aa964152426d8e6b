// The folder of a run of 1,024 workers and 10,000 steps, of which every hundredth has rows: made from a small one.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const workers = 1024, steps = 10000;

export const make_big_run = (from, to) => {
  mkdirSync(to, { recursive: true });
  const results = JSON.parse(readFileSync(join(from, 'results.json'), 'utf8'));
  const again = (list, count, how) => Array.from({ length: count }, (_, i) => ({ ...list[i % list.length], ...how(i) }));
  results.name = 'big';
  results.workers = again(results.workers, workers, (worker) => ({ worker }));
  results.links = again(results.links, 4 * workers, (i) => ({ link: `n${i} -> leaf${i >> 4}` }));
  results.curve = again(results.curve, 5000, (i) => ({ time_s: i, step: i }));
  results.summary.staleness = { mean: 48, p50: 48, p95: 92, max: 4999, histogram: Array.from({ length: 5000 }, (_, i) => (i * 7) % 97) };
  writeFileSync(join(to, 'results.json'), JSON.stringify(results));
  copyFileSync(join(from, 'scenario.json'), join(to, 'scenario.json'));
  const waits = ['worker,for,wait_s'];
  for (let i = 0; i < workers; ++i) for (let k = 1; k < 50; ++k) waits.push(`${i},${(i + k * k) % workers},${(i * k) % 31}.5`);
  writeFileSync(join(to, 'waits.csv'), `${waits.join('\n')}\n`);
  const rows = ['worker,step,start_s,compute_s,wait_s,exposed_communication_s,queue_s,samples,train_loss,staleness'];
  for (let step = 0; step < steps; step += step < 100 ? 1 : 100)
    for (let worker = 0; worker < workers; ++worker)
      rows.push(`${worker},${step},${step * 0.3},${0.1 + ((worker * step) % 101) / 1234.5},${((worker + step) % 13) / 321.7},0.0123456789,0,32,0.5,${worker % 7}`);
  writeFileSync(join(to, 'steps.csv'), `${rows.join('\n')}\n`);
};
