// Throughput by number of workers, for each way in which configurations agree otherwise, against the ideal: the fewest
// workers' throughput in proportion.
import type { Comparison, Configuration } from '../compare';
import { name_of } from '../compare';
import { count, escape, percent, rate, tip } from '../format';
import type { Plot } from '../plot';

export const scaling = ({ axes, configurations }: Comparison): Plot | undefined => {
  const workers = axes.indexOf('cluster.workers');
  const others = axes.filter((_, i) => i !== workers);
  const lines = new Map<string, Configuration[]>();
  for (const each of configurations) {
    const name = name_of(others, each.samples[0].axes, each.short.filter((_, i) => i !== workers)) || 'throughput';
    if (each.measure('throughput_samples_per_s')) lines.set(name, [...(lines.get(name) ?? []), each]);
  }
  const shown = [...lines].map(([name, some]) => ({ name, some: some.sort((a, b) => a.workers - b.workers) }))
    .filter(({ some }) => new Set(some.map(({ workers }) => workers)).size > 1);
  if (!shown.length) return undefined;
  const throughput = (each: Configuration): number => each.measure('throughput_samples_per_s')!.mean;
  const speed_up = (some: Configuration[], i: number): number => throughput(some[i]) / throughput(some[0]);
  const ideal = (some: Configuration[], i: number): number => some[i].workers / some[0].workers;
  return {
    id: 'scaling',
    title: 'Scaling of throughput',
    summary: shown.map(({ name, some }) => `${name}: ${percent(speed_up(some, some.length - 1) / ideal(some, some.length - 1))} efficient with ${some[some.length - 1].workers} workers`).join('; '),
    note: 'The dashed line is the ideal: in proportion to the workers.',
    option: (colours, narrow) => ({
      legend: {},
      grid: { left: 70, right: 20, top: 40, bottom: 48 },
      tooltip: {
        formatter: ({ seriesIndex, dataIndex }: { seriesIndex: number; dataIndex: number }) => {
          const { name, some } = shown[seriesIndex >> 1];
          if (seriesIndex % 2) return `<strong>${escape(name)}</strong><br>ideal: <b>${rate(throughput(some[0]) * ideal(some, dataIndex))}</b>`;
          return tip(`${name}, ${some[dataIndex].workers} workers`, [
            ['throughput', rate(throughput(some[dataIndex]))],
            ['speed-up', `${count(speed_up(some, dataIndex))} ×`],
            ['efficiency', percent(speed_up(some, dataIndex) / ideal(some, dataIndex))],
          ]);
        },
      },
      xAxis: { type: 'log', logBase: 2, name: 'workers', nameGap: 28 },
      yAxis: { type: 'log', logBase: 2, name: narrow ? 'samples/s' : 'throughput (samples/s)', nameGap: 52, axisLabel: { formatter: count } },
      series: shown.flatMap(({ name, some }, k) => [
        { name, type: 'line', symbolSize: 8, itemStyle: { color: colours.series[k % 8] }, data: some.map((each) => [each.workers, throughput(each)]) },
        { name, type: 'line', symbol: 'none', itemStyle: { color: colours.series[k % 8] }, lineStyle: { type: 'dashed', width: 1 }, data: some.map((each, i) => [each.workers, throughput(some[0]) * ideal(some, i)]) },
      ]),
    }),
    table: () => ({
      columns: [{ name: 'line', kind: 'text' }, { name: 'workers' }, { name: 'throughput', show: rate }, { name: 'speed-up (×)', show: count }, { name: 'efficiency', show: percent }],
      rows: shown.flatMap(({ name, some }) => some.map((each, i) => [name, each.workers, throughput(each), speed_up(some, i), speed_up(some, i) / ideal(some, i)])),
    }),
  };
};
