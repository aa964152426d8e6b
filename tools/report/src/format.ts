// Figures in words, always with their unit.
import type { Maybe } from './data';

const digits = (value: number): string => {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  return value.toLocaleString('en', { maximumSignificantDigits: size >= 1000 ? 6 : 4 });
};
const scaled = (value: number, steps: [number, string][]): string => {
  const size = Math.abs(value);
  const [unit, name] = steps.find(([least]) => size >= least) ?? steps[steps.length - 1];
  return `${digits(value / unit)} ${name}`;
};
const or = (value: Maybe | undefined, how: (value: number) => string): string =>
  value === null || value === undefined || !Number.isFinite(value) ? '–' : how(value);

export type Format = (value: Maybe | undefined) => string;

export const seconds: Format = (value) =>
  or(value, (v) =>
    v === 0 ? '0 s'
    : Math.abs(v) >= 259200 ? scaled(v, [[86400, 'd']])
    : Math.abs(v) >= 10800 ? scaled(v, [[3600, 'h']])
    : Math.abs(v) >= 600 ? scaled(v, [[60, 'min']])
    : scaled(v, [[1, 's'], [1e-3, 'ms'], [1e-6, 'µs'], [1e-9, 'ns']]));
// On an axis all have one unit, in which its round numbers are round.
export const seconds_axis: Format = (value) =>
  or(value, (v) => (v === 0 ? '0' : scaled(v, [[1, 's'], [1e-3, 'ms'], [1e-6, 'µs'], [1e-9, 'ns']])));
export const bytes: Format = (value) =>
  or(value, (v) => scaled(v, [[1e15, 'PB'], [1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB'], [1, 'B']]));
export const percent: Format = (value) => or(value, (v) => `${(100 * v).toLocaleString('en', { maximumFractionDigits: 2 })} %`);
export const plain: Format = (value) => or(value, digits);
export const count: Format = (value) => or(value, (v) => v.toLocaleString('en', { maximumFractionDigits: 2 }));
export const rate: Format = (value) => or(value, (v) => `${v >= 1e6 ? scaled(v, [[1e9, 'G'], [1e6, 'M']]) : v >= 1000 ? Math.round(v).toLocaleString('en') : digits(v)} samples/s`);
export const times: Format = (value) => or(value, (v) => `${digits(v)} ×`);

export const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]!);

// The lines of a tooltip: a heading, then name and figure.
export const tip = (heading: string, lines: [string, string][]): string =>
  `<strong>${escape(heading)}</strong>` +
  lines.map(([name, figure]) => `<br>${escape(name)}: <b>${escape(figure)}</b>`).join('');
