// Who waited for whom: a row waits, a column is waited for.
import type { Run } from '../data';
import { seconds, tip } from '../format';
import type { Plot } from '../plot';
import { worker_name } from './worker_times';

export const waits = ({ waits: pairs, workers }: Run): Plot | undefined => {
  if (!pairs.wait_s.length) return undefined;
  const names = Array.from({ length: pairs.groups }, (_, i) => worker_name(i, pairs.group, workers.count));
  const most = Math.max(...pairs.wait_s);
  const worst = pairs.wait_s.indexOf(most);
  return {
    id: 'waits',
    title: 'Who waited for whom',
    summary: `The most: ${names[pairs.worker[worst]]} waited for ${names[pairs.for[worst]]}, ${seconds(most)}.`,
    note: pairs.group > 1 ? `Sums over groups of ${pairs.group} workers.` : undefined,
    height: 450,
    heavy: pairs.wait_s.length > 1500,
    option: (colours, narrow) => ({
      grid: { left: narrow ? 56 : 64, right: 16, top: 14, bottom: 100 },
      tooltip: {
        formatter: ({ data: [on, worker, wait] }: { data: number[] }) =>
          tip(`worker ${names[worker]} waited for ${names[on]}`, [['wait', seconds(wait)]]),
      },
      xAxis: { type: 'category', name: 'waited for (worker)', nameGap: 28, data: names, splitArea: { show: false } },
      yAxis: { type: 'category', name: 'who waited (worker)', nameGap: narrow ? 36 : 46, data: names, inverse: true },
      visualMap: {
        min: 0, max: most, calculable: true, orient: 'horizontal', left: 'center', bottom: 0, itemHeight: narrow ? 120 : 200, itemWidth: 14,
        inRange: { color: colours.ramp }, textStyle: { color: colours.dim }, formatter: seconds,
      },
      series: [{
        name: 'wait', type: 'heatmap', itemStyle: { borderColor: colours.back, borderWidth: names.length > 40 ? 0 : 1 },
        emphasis: { itemStyle: { borderColor: colours.text, borderWidth: 2 } },
        data: pairs.wait_s.map((wait, i) => [pairs.for[i], pairs.worker[i], wait]),
      }],
    }),
    table: () => ({
      columns: [{ name: 'who waited', kind: 'text' }, { name: 'for', kind: 'text' }, { name: 'wait', show: seconds }],
      rows: pairs.wait_s.map((wait, i) => [names[pairs.worker[i]], names[pairs.for[i]], wait]),
    }),
  };
};
