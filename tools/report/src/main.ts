// The page: reads the document in it, and shows one run, or several side by side and one of them below.
import { comparison_part } from './comparison_part';
import type { Document } from './data';
import { element } from './dom';
import { set_theme } from './plot';
import { run_part } from './run_part';

const by_id = (id: string): HTMLElement => document.getElementById(id)!;
const { paceline_version, runs, samples, student_975, notes }: Document = JSON.parse(by_id('data').textContent!);

const dark_outside = window.matchMedia('(prefers-color-scheme: dark)');
let chosen: boolean | undefined;
const apply_theme = (): void => {
  const dark = chosen ?? dark_outside.matches;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  by_id('theme').textContent = dark ? 'Light' : 'Dark';
  by_id('theme').setAttribute('aria-label', `Change to ${dark ? 'light' : 'dark'} colours`);
  set_theme(dark);
};
by_id('theme').addEventListener('click', () => {
  chosen = !(chosen ?? dark_outside.matches);
  apply_theme();
});
dark_outside.addEventListener('change', apply_theme);

let before_print: boolean | undefined;
window.addEventListener('beforeprint', () => {
  before_print = chosen;
  chosen = false;
  apply_theme();
});
window.addEventListener('afterprint', () => {
  chosen = before_print;
  apply_theme();
});

const single = !samples;
const title = single ? runs[0].name || runs[0].label : `${samples.length} runs side by side`;
document.title = `${title} – paceline`;
by_id('title').textContent = title;
by_id('version').textContent = `paceline ${paceline_version}`;
by_id('subtitle').textContent = single ? (() => {
  try {
    return String(JSON.parse(runs[0].scenario).description ?? '');
  } catch {
    return '';
  }
})() : [...new Set(samples.map(({ label }) => label))].slice(0, 8).join(', ');

const content = by_id('content');
const links = (): void =>
  by_id('contents').replaceChildren(...[...content.querySelectorAll('h2[id]')].map((head) => element('a', { href: `#${head.id}` }, head.textContent!)));

apply_theme();
if (samples) content.append(...comparison_part(samples, student_975 ?? [], notes ?? []));
if (runs.length) {
  const below = element('div');
  const show = (i: number): void => {
    below.replaceChildren(...run_part(runs[i]));
    links();
  };
  if (runs.length > 1) {
    const select = element('select', { id: 'run' }, ...runs.map(({ label }, i) => element('option', { value: String(i) }, label)));
    select.addEventListener('change', () => show(Number(select.value)));
    content.append(element('h2', { id: 'run-part' }, 'One run'), element('p', {}, element('label', { for: 'run' }, 'Run '), select));
  }
  content.append(below);
  show(0);
}
links();
