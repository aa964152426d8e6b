// How many updates came between the pull of a gradient's parameters and its apply.
import type { Run } from '../data';
import { count, percent, plain, tip } from '../format';
import type { Plot } from '../plot';

const most_bars = 200;

export const staleness = ({ summary: { staleness: all } }: Run): Plot | undefined => {
  const total = all.histogram.reduce((sum, value) => sum + value, 0);
  if (!total || all.max === 0) return undefined;
  const wide = Math.ceil(all.histogram.length / most_bars);
  const counts: number[] = [];
  all.histogram.forEach((value, i) => (counts[Math.floor(i / wide)] = (counts[Math.floor(i / wide)] ?? 0) + value));
  const name = (i: number): string => (wide > 1 ? `${i * wide}–${(i + 1) * wide - 1}` : String(i));
  return {
    id: 'staleness',
    title: 'Staleness of gradients',
    summary: `Mean ${plain(all.mean)}, median ${all.p50}, 95th percentile ${all.p95}, most ${all.max} updates.`,
    note: `Updates between a pull and the apply of what came of it: mean ${plain(all.mean)}, median ${all.p50}, 95th percentile ${all.p95}, most ${all.max}.`,
    option: () => ({
      grid: { left: 64, right: 14, top: 14, bottom: 48 },
      tooltip: {
        trigger: 'axis', axisPointer: { type: 'shadow' },
        formatter: ([{ dataIndex: i }]: { dataIndex: number }[]) =>
          tip(`${name(i)} updates late`, [['gradients', count(counts[i])], ['share', percent(counts[i] / total)]]),
      },
      xAxis: { type: 'category', name: 'staleness (updates)', nameGap: 28, data: counts.map((_, i) => name(i)) },
      yAxis: { type: 'value', name: 'gradients', nameGap: 50 },
      series: [{ name: 'gradients', type: 'bar', barCategoryGap: '8%', data: counts }],
    }),
    table: () => ({
      columns: [{ name: 'updates late', kind: 'text' }, { name: 'gradients', show: count }, { name: 'share', show: percent }],
      rows: counts.map((value, i) => [name(i), value, value / total]),
    }),
  };
};
