// The report page in a real browser: every plot draws and says figures with units, legends toggle, tables sort, figures
// are those of results.json, nothing is asked for outside the file.
// Usage: node page_test.mjs PACELINE FOLDER; pictures are left in FOLDER.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { draw_all, hover, ink, launch, least_contrast, open, until } from './browser.mjs';
import { make_big_run } from './big_run.mjs';

const [paceline, folder] = process.argv.slice(2).map((path) => resolve(path));
const scenarios = join(dirname(fileURLToPath(import.meta.url)), '../../../scenarios');
const browser = await launch();
mkdirSync(folder, { recursive: true });

const run = (name, scenario, ...assignments) => {
  const out = join(folder, name);
  execFileSync(paceline, ['run', join(scenarios, scenario), '--quiet', '--out', out, ...assignments.flatMap((each) => ['--set', each])], { stdio: ['ignore', 'ignore', 'inherit'] });
  return out;
};
const report = (name, ...runs) => {
  const out = join(folder, `${name}.html`);
  execFileSync(paceline, ['report', ...runs, '-o', out], { stdio: 'inherit' });
  return out;
};
let passed = 0;
const test = async (name, what) => {
  try {
    await what();
    ++passed;
    console.log(`ok   ${name}`);
  } catch (error) {
    console.log(`FAIL ${name}\n${error.stack}`);
    process.exitCode = 1;
  }
};

const short = ['training.stop={"epochs": 1}', 'training.evaluate.every={"epochs": 0.2}'];
const bsp = [1, 2].map((seed) => run(`bsp-${seed}`, 'bsp.json', ...short, `seed=${seed}`));
const ssp = [1, 2].map((seed) => run(`ssp-${seed}`, 'ssp.json', ...short, `seed=${seed}`));
const small = run('bsp-4', 'bsp.json', ...short, 'cluster.workers=4');
const pages = { one: report('one', ssp[0]), several: report('several', ...bsp, ...ssp, small) };
const big = join(folder, 'big');
make_big_run(bsp[0], big);
pages.big = report('big', big);

const unit = /\d[\d.,]*(e[+-]?\d+)?\s*(%|s|ms|µs|ns|min|h|d|B|kB|MB|GB|TB|×|updates|samples\/s|steps)\b|%/;
const expected = {
  one: ['curve', 'worker-times', 'timeline', 'step-times', 'over-steps', 'staleness', 'waits', 'links'],
  several: ['overlay', 'time-to-accuracy', 'scaling', 'pareto', 'parallel', 'curve', 'worker-times', 'timeline', 'step-times', 'over-steps', 'waits', 'links'],
  big: ['curve', 'worker-times', 'timeline', 'step-times', 'over-steps', 'staleness', 'waits', 'links'],
};
for (const [name, file] of Object.entries(pages)) {
  const page = await open(browser, file);
  await draw_all(page);
  const ids = await page.locator('.plot').evaluateAll((all) => all.map(({ id }) => id.replace('plot-', '')));
  await test(`${name}: has its plots`, () => assert.deepEqual(ids, expected[name]));
  for (const id of ids) {
    const stage = page.locator(`#plot-${id}`);
    await test(`${name}: ${id} draws`, async () => assert.ok((await ink(stage)) > 20, `ink ${await ink(stage)}`));
    await test(`${name}: ${id} says figures with units`, async () => assert.match(await hover(page, stage), unit));
    await test(`${name}: ${id} has words and a table`, async () => {
      assert.ok((await stage.getAttribute('aria-label')).length > 25);
      const behind = page.locator('figure', { has: stage }).locator('details');
      await behind.locator('summary').click();
      await behind.locator('tbody tr').first().waitFor({ timeout: 5000 });
      await behind.locator('summary').click();
    });
  }
  await test(`${name}: no fault`, () => assert.deepEqual(page.faults, []));
  await page.close();
}

await test('figures are those of results.json', async () => {
  const page = await open(browser, pages.one);
  const { summary } = JSON.parse(readFileSync(join(ssp[0], 'results.json'), 'utf8'));
  const shown = await page.locator('dd[data-key]').evaluateAll((all) => all.map((each) => [each.dataset.key, each.title, each.textContent]));
  assert.ok(shown.length > 12);
  for (const [key, exact, text] of shown) {
    assert.equal(exact, String(summary[key]), key);
    assert.match(text, /\d/, key);
  }
  await page.close();
});

await test('a legend toggles its series', async () => {
  const page = await open(browser, pages.one);
  await draw_all(page);
  const stage = page.locator('#plot-worker-times');
  const blue = () => stage.evaluate((each) => each.querySelectorAll('svg path[fill="#0072b2"]').length);
  const word = stage.locator('text', { hasText: /^compute$/ });
  const before = await blue(), lit = await word.getAttribute('fill');
  const is_lit = async () => (await word.getAttribute('fill')) === lit;
  // A legend under the mouse makes its series stand out in another colour until the mouse goes over the plot and away.
  const leave = async () => {
    const { x, y } = await stage.boundingBox();
    await page.mouse.move(x + 2, y + 2);
    await page.mouse.move(0, 0);
  };
  for (const [what, shown, holds] of [['fewer by 8', false, (now) => now <= before - 8], [`${before} again`, true, (now) => now === before]]) {
    await word.click();
    await until(`the legend says ${shown}`, async () => (await is_lit()) === shown);
    await until(`shapes are ${what}`, async () => (await leave(), holds(await blue())));
  }
  await page.close();
});

await test('the buttons of a plot change it', async () => {
  const page = await open(browser, pages.one);
  await draw_all(page);
  const figure = page.locator('figure', { has: page.locator('#plot-curve') });
  for (const [button, word] of [['Bytes', 'bytes on the wire'], ['Steps', 'steps'], ['Time', 'simulated time']]) {
    await figure.getByRole('button', { name: button }).click();
    assert.equal(await figure.locator('svg text', { hasText: new RegExp(`^${word}$`) }).count(), 1);
  }
  const bars = page.locator('figure', { has: page.locator('#plot-worker-times') });
  await bars.getByRole('button', { name: 'By compute' }).click();
  assert.match(await hover(page, bars.locator('.plot')), /worker \d/);
  await page.close();
});

await test('a table sorts both ways', async () => {
  const page = await open(browser, pages.several);
  const table = page.locator('main table').first();
  const heads = await table.locator('th').allInnerTexts();
  const column = heads.indexOf('simulated time');
  const values = async () => (await table.locator(`td:nth-child(${column + 1})`).allInnerTexts()).map((text) => parseFloat(text) * (text.endsWith('ms') ? 1e-3 : 1));
  const button = table.locator('th button').nth(column);
  for (const sign of [1, -1]) {
    await button.press('Enter');
    const now = await values();
    assert.ok(now.length === 3);
    assert.deepEqual(now, [...now].sort((a, b) => sign * (a - b)));
    assert.equal(await table.locator('th').nth(column).getAttribute('aria-sort'), sign > 0 ? 'ascending' : 'descending');
  }
  await page.close();
});

await test('means and intervals over two seeds are those of results.json', async () => {
  const page = await open(browser, pages.several);
  await page.locator('#goal').fill('50');
  await page.locator('#goal').press('Enter');
  const figure = page.locator('figure', { has: page.locator('#plot-time-to-accuracy') });
  await figure.locator('summary').click();
  const row = await figure.locator('tbody tr', { hasText: 'ssp' }).locator('td').allInnerTexts();
  const [a, b] = ssp.map((each) => JSON.parse(readFileSync(join(each, 'results.json'), 'utf8')).curve.find((point) => point.test_accuracy >= 0.5).time_s);
  assert.ok(Math.abs(parseFloat(row[1]) - (a + b) / 2) < 1e-3 * a, `${row[1]}, not ${(a + b) / 2} s`);
  const half = (12.7062047 * Math.abs(a - b)) / 2; // t of one degree of freedom × s / √2
  const shown = parseFloat(row[2]) * (row[2].endsWith('µs') ? 1e-6 : row[2].endsWith('ms') ? 1e-3 : 1);
  assert.ok(Math.abs(shown - half) < 1e-3 * half, `± ${row[2]}, not ± ${half} s`);
  await page.close();
});

await test('another run of several can be chosen', async () => {
  const page = await open(browser, pages.several);
  await page.locator('#run').selectOption({ label: 'ssp-2' });
  const { summary } = JSON.parse(readFileSync(join(ssp[1], 'results.json'), 'utf8'));
  assert.equal(await page.locator('dd[data-key=simulated_time_s]').getAttribute('title'), String(summary.simulated_time_s));
  assert.deepEqual(page.faults, []);
  await page.close();
});

await test('the keyboard reaches the content and the colours', async () => {
  const page = await open(browser, pages.one);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.close();
});

for (const scheme of ['light', 'dark'])
  for (const width of [1200, 390])
    for (const name of ['one', 'several'])
      await test(`${name}, ${scheme}, ${width} px: nothing sticks out, words stand out`, async () => {
        const page = await open(browser, pages[name], { width, scheme });
        await draw_all(page);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
        const least = await least_contrast(page);
        assert.ok(least.ratio >= 4.5, `${least.ratio.toFixed(2)}: ${least.text}`);
        await page.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`), fullPage: true });
        assert.deepEqual(page.faults, []);
        await page.close();
      });

await test('it prints, every plot drawn', async () => {
  const page = await open(browser, pages.one, { scheme: 'dark' });
  writeFileSync(join(folder, 'one.pdf'), await page.pdf({ format: 'A4' }));
  assert.equal(await page.locator('.plot:has(svg), .plot:has(canvas)').count(), expected.one.length);
  await page.close();
});

await test('1,024 workers: below 5 MB, open within 3 s', async () => {
  assert.ok(readFileSync(pages.big).length < 5e6);
  const times = [];
  for (let i = 0; i < 3; ++i) {
    const page = await open(browser, pages.big);
    times.push(page.opened_ms);
    await page.close();
  }
  console.log(`     opened in ${times.map((time) => `${Math.round(time)} ms`).join(', ')}`);
  assert.ok(Math.min(...times) < 3000);
});

await browser.close();
console.log(`${passed} tests passed`);
