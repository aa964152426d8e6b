// Debian's chromium by way of playwright-core, and what a reader would check by eye. Says why and exits with 77 where
// there is no browser.
import { existsSync } from 'node:fs';

const skip = (why) => {
  console.log(`skipped: ${why} (tools/setup --tests installs it)`);
  process.exit(77);
};

export const launch = async () => {
  const program = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => path && existsSync(path));
  if (!program) skip('no chromium');
  const { chromium } = await import('playwright-core').catch(() => skip('no playwright-core in tools/report/node_modules'));
  return chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
};

// A page that fails the test on any message of its console, and on any request but for itself.
export const open = async (browser, file, { width = 1200, scheme = 'light' } = {}) => {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  page.faults = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && page.faults.push(message.text()));
  page.on('pageerror', (error) => page.faults.push(error.stack));
  const url = `file://${file}`;
  page.on('request', (request) => !request.url().startsWith('data:') && request.url().split('#')[0] !== url && page.faults.push(`asks for ${request.url()}`));
  const begin = performance.now();
  await page.goto(url);
  await page.waitForSelector('.plot svg, .plot canvas', { state: 'attached' });
  page.opened_ms = performance.now() - begin;
  return page;
};

// Waits for what a page does in its own time, however slow the machine.
export const until = async (what, holds) => {
  for (const begin = performance.now(); !(await holds());) {
    if (performance.now() - begin > 60000) throw new Error(`after 60 s not yet: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
};

// Plots are drawn when they come near the view.
export const draw_all = async (page) => {
  for (const stage of await page.locator('.plot').all()) {
    await stage.evaluate((element) => element.scrollIntoView({ behavior: 'instant', block: 'center' }));
    await until('a plot in view is drawn', () => stage.evaluate((element) => element.querySelector('svg, canvas') !== null));
  }
  await page.evaluate(() => window.scrollTo({ top: 0, behavior: 'instant' }));
};

// How much is to be seen: shapes of an SVG, or pixels of a canvas that are not clear.
export const ink = (stage) => stage.evaluate((element) => {
  const canvas = element.querySelector('canvas');
  if (!canvas) return element.querySelectorAll('svg path, svg rect, svg polyline, svg text').length;
  const copy = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height });
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  let seen = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) ++seen;
  return seen;
});

// The text of the tooltip somewhere over a plot: tried from the middle outwards.
export const hover = async (page, stage) => {
  await stage.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await stage.boundingBox();
  for (let k = 0; k < 900; ++k) {
    const across = (0.5 + ((k * 0.618034) % 1) * 0.7) % 0.85, down = 0.12 + ((k * 0.754878) % 1) * 0.66;
    await page.mouse.move(x + width * (0.12 + across * 0.98), y + height * down);
    const text = await stage.evaluate((element) => {
      const tip = element.querySelector('.tip');
      return tip && tip.style.opacity !== '0' && tip.style.visibility !== 'hidden' ? tip.innerText : '';
    });
    if (text) return text;
  }
  return '';
};

// The least contrast of texts against what is behind them, as of WCAG 2.
export const least_contrast = (page) => page.evaluate(() => {
  const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  let least = { ratio: 21, text: '' };
  for (const element of document.querySelectorAll('p, td, th button, dt, dd, h1, h2, h3, a, button, summary, pre, label, .plot svg text')) {
    const style = getComputedStyle(element);
    const own = rgb(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(own), light(behind(element))].sort((p, q) => q - p);
    const ratio = (a + 0.05) / (b + 0.05);
    if (element.textContent.trim() && ratio < least.ratio) least = { ratio, text: `${element.tagName} ${element.textContent.slice(0, 40)}` };
  }
  return least;
});
