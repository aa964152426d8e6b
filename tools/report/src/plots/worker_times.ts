// Where each worker's time went: stacked bars, by worker or by what is chosen; the mean compute is marked.
import { activities } from '../colours';
import type { Run } from '../data';
import { choice } from '../dom';
import { count, percent, seconds, seconds_axis, tip } from '../format';
import type { Plot } from '../plot';

const orders = ['compute_s', 'wait_s', 'exposed_communication_s'] as const;

export const worker_name = (i: number, group: number, total: number): string =>
  group > 1 ? `${i * group}–${Math.min((i + 1) * group, total) - 1}` : String(i);

export const worker_times = ({ workers, summary }: Run): Plot => {
  const all = workers.compute_s.map((_, i) => i);
  const mean = workers.compute_s.reduce((sum, value) => sum + value, 0) / Math.max(all.length, 1);
  const shown = activities.filter(({ key }) => workers[key].some((value) => value > 0));
  const name = (i: number): string => worker_name(i, workers.group, workers.count);
  const many = all.length > 200; // bars would be thinner than a pixel
  let order = all;
  return {
    id: 'worker-times',
    title: "Where each worker's time went",
    summary: `${shown.map(({ key, name: what }) => `${what} ${percent(summary[key.replace('_s', '_fraction')] as number)}`).join(', ')}; load imbalance ${percent(summary.load_imbalance)}.`,
    note: `Load imbalance ${percent(summary.load_imbalance)}: the busiest worker computed that much longer than the mean, which the dashed line marks.` +
      (workers.group > 1 ? ` A bar is the mean of ${workers.group} neighbours.` : ''),
    wide: true,
    heavy: many,
    controls: (draw) => [choice('Order', ['By worker', 'By compute', 'By wait', 'By communication'], (i) => {
      order = i === 0 ? all : [...all].sort((a, b) => workers[orders[i - 1]][b] - workers[orders[i - 1]][a]);
      draw();
    })],
    option: (colours, narrow) => ({
      legend: {},
      grid: { left: narrow ? 56 : 70, right: 14, top: 40, bottom: 48 },
      tooltip: {
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (items: { dataIndex: number }[]) => {
          const i = order[items[0].dataIndex];
          return tip(`worker ${name(i)}`, [
            ...shown.map(({ key, name: what }): [string, string] => [what, seconds(workers[key][i])]),
            ['compute against the mean', percent(workers.compute_s[i] / mean - 1)],
            ['others waited for it', seconds(workers.blamed_s[i])],
            ['batches', count(workers.steps[i])],
          ]);
        },
      },
      xAxis: { type: 'category', name: 'worker', nameGap: 28, data: order.map(name), axisTick: { show: false } },
      yAxis: { type: 'value', name: 'simulated time', nameGap: narrow ? 44 : 56, max: 'dataMax', axisLabel: { formatter: seconds_axis, showMaxLabel: false } },
      series: shown.map(({ key, name: what }, k) => ({
        name: what, stack: 'time', itemStyle: { color: colours.activity(key) },
        ...(many ? { type: 'line', step: 'middle', symbol: 'none', lineStyle: { width: 0 }, areaStyle: { opacity: 1 } } : { type: 'bar', barCategoryGap: '20%', barMaxWidth: 60 }),
        data: order.map((i) => workers[key][i]),
        ...(k === 0 ? { markLine: { symbol: 'none', silent: true, label: { show: false }, lineStyle: { color: colours.text, type: 'dashed' }, data: [{ yAxis: mean }] } } : {}),
      })),
    }),
    table: () => ({
      columns: [
        { name: 'worker', kind: 'text' },
        ...activities.map(({ name: what }) => ({ name: what, show: seconds })),
        { name: 'others waited for it', show: seconds },
        { name: 'batches', show: count },
      ],
      rows: all.map((i) => [name(i), ...activities.map(({ key }) => workers[key][i]), workers.blamed_s[i], workers.steps[i]]),
    }),
  };
};
