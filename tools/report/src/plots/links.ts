// How much of what links could carry they did carry; the busiest first.
import type { Run } from '../data';
import { bytes, count, percent, seconds, tip } from '../format';
import type { Plot } from '../plot';

const most_bars = 18;

export const links = ({ links: all }: Run): Plot | undefined => {
  if (!all.link.length) return undefined;
  const bars = all.link.slice(0, most_bars).map((_, i) => i);
  return {
    id: 'links',
    title: 'Use of links',
    summary: `The busiest of ${all.count} is ${all.link[0]}: ${percent(all.utilization[0])} of what it could carry.`,
    note: `Bytes carried, as a share of what the link could have carried over the run; the mark is the highest load at any instant.` +
      (all.count > bars.length ? ` The ${bars.length} busiest of ${all.count} directed links.` : ''),
    height: 90 + bars.length * 20,
    option: (colours, narrow) => ({
      legend: {},
      grid: { left: narrow ? 100 : 128, right: 24, top: 36, bottom: 40 },
      tooltip: {
        trigger: 'axis', axisPointer: { type: 'shadow' },
        formatter: ([{ dataIndex: i }]: { dataIndex: number }[]) => tip(all.link[i], [
          ['mean load', percent(all.utilization[i])], ['highest load', percent(all.peak_utilization[i])], ['carried', bytes(all.bytes[i])],
          ['busy', seconds(all.busy_s[i])], ['flows on it while busy', count(all.mean_flows[i])],
        ]),
      },
      xAxis: { type: 'value', min: 0, max: 1, name: 'share of capacity', nameGap: 24, axisLabel: { formatter: percent }, splitNumber: narrow ? 2 : 5 },
      yAxis: { type: 'category', inverse: true, data: bars.map((i) => all.link[i]), axisTick: { show: false }, axisLabel: { width: narrow ? 92 : 120, overflow: 'truncate' } },
      series: [
        { name: 'mean load', type: 'bar', barCategoryGap: '25%', data: bars.map((i) => all.utilization[i]) },
        { name: 'highest load', type: 'scatter', symbol: 'rect', symbolSize: [3, 12], itemStyle: { color: colours.text }, data: bars.map((i) => all.peak_utilization[i]) },
      ],
    }),
    table: () => ({
      columns: [{ name: 'link', kind: 'text' }, { name: 'mean load', show: percent }, { name: 'highest load', show: percent },
        { name: 'carried', show: bytes }, { name: 'busy', show: seconds }, { name: 'flows while busy', show: count }],
      rows: all.link.map((name, i) => [name, all.utilization[i], all.peak_utilization[i], all.bytes[i], all.busy_s[i], all.mean_flows[i]]),
    }),
  };
};
