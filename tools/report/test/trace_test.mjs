// Traces in a real viewer, speedscope: it imports them without a warning, and what it then holds are our slices, lane by
// lane. Those of no length, where arrows begin and end, it leaves out.
// Usage: node trace_test.mjs PACELINE FOLDER; pictures are left in FOLDER.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { launch } from './browser.mjs';

const [paceline, folder] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));
const scenarios = join(here, '../../../scenarios'), viewer = join(here, '../node_modules/speedscope/dist/release/index.html');
const browser = await launch();
mkdirSync(folder, { recursive: true });

const slices_of = (file) => {
  const names = new Map(), counts = new Map();
  for (const event of JSON.parse(gunzipSync(readFileSync(file))).traceEvents) {
    const lane = `${event.pid} ${event.tid}`;
    if (event.ph === 'M' && event.name === 'process_name') names.set(event.pid, event.args.name);
    if (event.ph === 'M' && event.name === 'thread_name') names.set(lane, `${names.get(event.pid)} (pid ${event.pid}), ${event.args.name} (tid ${event.tid})`);
    if (event.ph === 'X' && event.dur > 0) counts.set(names.get(lane), (counts.get(names.get(lane)) ?? 0) + 1);
  }
  return counts;
};

// What speedscope says that is not about a machine without a graphics card.
const of_speedscope = (message) => ['error', 'warning'].includes(message.type()) && !/WebGL|GL Driver/.test(message.text());

for (const [name, ...words] of [
  ['bsp', '--steps', '0:5'],
  ['ssp', '--time', '1s:2s'],
  ['async', '--steps', '0:8', '--workers', '0-2'],
  ['first_run', '--detail', 'lanes'],
]) {
  const file = join(folder, `${name}.json.gz`);
  execFileSync(paceline, ['trace', join(scenarios, `${name}.json`), '--timing-only', '--quiet', '-o', file, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
  const page = await browser.newPage();
  const said = [];
  page.on('console', (message) => of_speedscope(message) && said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.stack));
  page.on('dialog', (dialog) => (said.push(dialog.message()), dialog.dismiss()));
  await page.goto(`file://${viewer}`);
  await page.locator('input[type=file]').setInputFiles(file);
  const exporting = page.getByText('Export').first();
  await exporting.waitFor();
  await page.screenshot({ path: join(folder, `${name}.png`) });
  const [download] = await Promise.all([page.waitForEvent('download'), exporting.click()]);
  const { profiles } = JSON.parse(readFileSync(await download.path()));
  const held = new Map(profiles.map((profile) => [profile.name, profile.events.filter((event) => event.type === 'O').length]));
  for (const [lane, count] of held) if (count === 0) held.delete(lane);
  const ours = slices_of(file), total = [...ours.values()].reduce((sum, count) => sum + count, 0);
  assert.deepEqual(said, [], name);
  assert.ok(total > 50, `${name}: ${total} slices`);
  assert.deepEqual(Object.fromEntries([...held].sort()), Object.fromEntries([...ours].sort()), name);
  console.log(`ok   ${name}: ${total} slices on ${ours.size} lanes, and no warning`);
  await page.close();
}
await browser.close();
