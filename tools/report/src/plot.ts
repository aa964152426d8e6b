// A figure: its name, what it shows, the plot, and the same as a table behind it. Plots are drawn when they come into
// view, and again in other colours or another width; they are SVG unless they have very many shapes.
import type { Colours } from './colours';
import { colours } from './colours';
import type { Rows } from './dom';
import { element, table } from './dom';
import type { EChartsType } from './echarts';
import { init } from './echarts';

export type Option = Record<string, unknown>;
export interface Plot {
  id: string;
  title: string;
  note?: string;
  summary: string; // of what is seen, for those who do not see it
  wide?: boolean;
  height?: number;
  heavy?: boolean;
  controls?: (draw: () => void) => HTMLElement[];
  option: (colours: Colours, narrow: boolean) => Option;
  table: () => Rows;
}

let theme = colours(false);
const drawn = new Set<() => void>();

export const set_theme = (dark: boolean): void => {
  theme = colours(dark);
  for (const draw of drawn) draw();
};

const common = (made: Option, { text, dim, line, back, series }: Colours, summary: string): Option => {
  const axis = (one: unknown): unknown =>
    one && {
      nameLocation: 'middle',
      ...(one as Option),
      nameTextStyle: { color: dim, ...((one as Option).nameTextStyle as Option) },
      axisLabel: { color: dim, hideOverlap: true, ...((one as Option).axisLabel as Option) },
      axisLine: { lineStyle: { color: line }, ...((one as Option).axisLine as Option) },
      splitLine: { lineStyle: { color: line, opacity: 0.6 }, ...((one as Option).splitLine as Option) },
    };
  const axes = (some: unknown): unknown => (Array.isArray(some) ? some.map(axis) : axis(some));
  return {
    animation: false,
    color: series,
    textStyle: { color: text, fontFamily: 'system-ui, sans-serif' },
    aria: { enabled: true, label: { description: summary } },
    ...made,
    ...(made.legend ? { legend: { type: 'scroll', top: 0, textStyle: { color: text }, inactiveColor: dim, pageTextStyle: { color: text }, ...(made.legend as Option) } } : {}),
    tooltip: { confine: true, className: 'tip', backgroundColor: back, borderColor: line, textStyle: { color: text, fontSize: 13 }, ...(made.tooltip as Option) },
    ...(made.xAxis ? { xAxis: axes(made.xAxis) } : {}),
    ...(made.yAxis ? { yAxis: axes(made.yAxis) } : {}),
  };
};

export const figure = (plot: Plot): HTMLElement => {
  const stage = element('div', { class: 'plot', id: `plot-${plot.id}`, role: 'img', 'aria-label': `${plot.title}. ${plot.summary}` });
  stage.style.height = `${plot.height ?? 320}px`;
  let chart: EChartsType | undefined;
  let width = 0;
  const draw = (): void => {
    width = stage.clientWidth;
    if (!width) return;
    chart ??= init(stage, undefined, { renderer: plot.heavy ? 'canvas' : 'svg' });
    chart.resize();
    chart.setOption(common(plot.option(theme, width < 520), theme, plot.summary), true);
  };
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    show();
  }, { rootMargin: '600px' });
  const show = (): void => {
    if (drawn.has(draw)) return;
    drawn.add(draw);
    draw();
    new ResizeObserver(() => stage.clientWidth !== width && draw()).observe(stage);
  };
  seen.observe(stage);
  window.addEventListener('beforeprint', show);
  const behind = element('details', {}, element('summary', {}, 'The same as a table'));
  behind.addEventListener('toggle', () => {
    if (behind.open && behind.children.length === 1) behind.append(table(plot.title, plot.table()));
  });
  return element('figure', plot.wide ? { class: 'wide' } : {},
    element('figcaption', {}, element('h3', {}, plot.title), ...(plot.controls?.(() => drawn.has(draw) && draw()) ?? [])),
    ...(plot.note ? [element('p', { class: 'note' }, plot.note)] : []), stage, behind);
};
