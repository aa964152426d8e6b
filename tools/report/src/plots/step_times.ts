// How long batches took, and what they were made of over the run.
import { activities } from '../colours';
import type { Run } from '../data';
import { count, percent, seconds, seconds_axis, tip } from '../format';
import type { Plot } from '../plot';

export const step_times = ({ steps }: Run): Plot | undefined => {
  if (!steps || !steps.durations.counts.length) return undefined;
  const { edges_s: edges, counts, rows, ...all } = steps.durations;
  const range = (i: number): string => `${seconds(edges[i])} to ${seconds(edges[i + 1])}`;
  const words = `Median ${seconds(all.p50_s)}, mean ${seconds(all.mean_s)}, 95th percentile ${seconds(all.p95_s)}, longest ${seconds(all.max_s)}.`;
  return {
    id: 'step-times',
    title: 'How long a batch took',
    summary: words,
    note: `${words} Bars are equally wide on a logarithmic scale.`,
    option: (colours) => ({
      grid: { left: 64, right: 20, top: 14, bottom: 48 },
      tooltip: {
        trigger: 'axis', axisPointer: { type: 'shadow' },
        formatter: ([{ dataIndex: i }]: { dataIndex: number }[]) =>
          tip(range(i), [['batches', count(counts[i])], ['share', percent(counts[i] / rows)]]),
      },
      xAxis: {
        type: 'category', name: 'time from begin to end of a batch', nameGap: 28, data: counts.map((_, i) => seconds(edges[i])),
      },
      yAxis: { type: 'value', name: 'batches', nameGap: 50 },
      series: [{ name: 'batches', type: 'bar', barCategoryGap: '4%', itemStyle: { color: colours.series[2] }, data: counts }],
    }),
    table: () => ({
      columns: [{ name: 'from', show: seconds }, { name: 'to', show: seconds }, { name: 'batches', show: count }, { name: 'share', show: percent }],
      rows: counts.map((value, i) => [edges[i], edges[i + 1], value, value / rows]),
    }),
  };
};

export const over_steps = ({ steps }: Run): Plot | undefined => {
  if (!steps || steps.over_steps.compute_s.length < 2) return undefined;
  const bins = steps.over_steps;
  const first = (i: number): number => i * bins.width;
  const parts = (['compute_s', 'exposed_communication_s', 'wait_s', 'queue_s'] as const)
    .map((key) => ({ key, name: activities.find((each) => each.key === key)!.name }))
    .filter(({ key }) => bins[key].some((value) => value > 0));
  return {
    id: 'over-steps',
    title: 'What a batch was made of, over the run',
    summary: `Means over workers and ${bins.width} steps each.`,
    note: `Means over all workers${bins.width > 1 ? ` and ${bins.width} steps each` : ''}; the line is the longest batch among them.`,
    option: (colours) => ({
      legend: {},
      grid: { left: 70, right: 20, top: 40, bottom: 48 },
      tooltip: {
        trigger: 'axis',
        formatter: ([{ dataIndex: i }]: { dataIndex: number }[]) =>
          tip(`step ${first(i)}${bins.width > 1 ? ` to ${first(i + 1) - 1}` : ''}`, [
            ...parts.map(({ key, name }): [string, string] => [name, seconds(bins[key][i])]),
            ['longest batch', seconds(bins.longest_s[i])],
            ['mean staleness', `${count(bins.staleness[i])} updates`],
          ]),
      },
      xAxis: { type: 'category', boundaryGap: false, name: "worker's own step", nameGap: 28, data: bins.compute_s.map((_, i) => first(i)) },
      yAxis: { type: 'value', name: 'time of a batch', nameGap: 56, axisLabel: { formatter: seconds_axis } },
      series: [
        ...parts.map(({ key, name }) => ({
          name, type: 'line', stack: 'time', showSymbol: false, lineStyle: { width: 0 }, areaStyle: { color: colours.activity(key), opacity: 0.9 },
          itemStyle: { color: colours.activity(key) }, data: bins[key],
        })),
        { name: 'longest batch', type: 'line', showSymbol: false, lineStyle: { width: 1, color: colours.text }, itemStyle: { color: colours.text }, data: bins.longest_s },
      ],
    }),
    table: () => ({
      columns: [{ name: 'from step' }, ...parts.map(({ name }) => ({ name, show: seconds })), { name: 'longest batch', show: seconds }, { name: 'mean staleness (updates)', show: count }],
      rows: bins.compute_s.map((_, i) => [first(i), ...parts.map(({ key }) => bins[key][i]), bins.longest_s[i], bins.staleness[i]]),
    }),
  };
};
