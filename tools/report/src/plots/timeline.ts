// Some steps of some workers: a lane each, its parts in the order of the legend. steps.csv has their sums, not when each
// began, so that the order inside a batch is drawn, not recorded.
import { activities } from '../colours';
import type { Run } from '../data';
import { count, seconds, seconds_axis, tip } from '../format';
import type { Plot } from '../plot';

const steps_at_first = 16;

const parts = activities.filter(({ key }) => key !== 'down_s') as unknown as {
  key: 'compute_s' | 'wait_s' | 'exposed_communication_s' | 'queue_s';
  name: string;
}[];

interface Api {
  value: (dimension: number) => number;
  coord: (point: number[]) => number[];
  size: (point: number[]) => number[];
  style: () => object;
}

export const timeline = ({ steps, workers }: Run): Plot | undefined => {
  const rows = steps?.timeline;
  if (!rows || !rows.worker.length) return undefined;
  const lanes = [...new Set(rows.worker)].sort((a, b) => a - b);
  const lane = new Map(lanes.map((worker, i) => [worker, i]));
  const shown = parts.filter(({ key }) => rows[key].some((value) => value > 0));
  const bars = shown.map(() => [] as number[][]);
  rows.worker.forEach((worker, i) => {
    let at = rows.start_s[i];
    shown.forEach(({ key }, k) => {
      const length = rows[key][i];
      if (length > 0) bars[k].push([lane.get(worker)!, at, at + length, i]);
      at += length;
    });
  });
  const last = Math.min(rows.last_step - 1, Math.max(...rows.step));
  const begin = Math.min(...rows.start_s);
  const end = Math.max(...bars.flatMap((some) => some.map((bar) => bar[2])));
  const zoomed = Math.min(100, (100 * steps_at_first) / (last + 1 - rows.first_step)); // percent
  return {
    id: 'timeline',
    title: `Timeline of steps ${rows.first_step} to ${last}`,
    summary: `${lanes.length} of ${workers.count} workers, from ${seconds(begin)} to ${seconds(end)}.`,
    note: 'Zoom with the slider, or by wheel and drag with Shift held. The parts of a batch are drawn one after the other; when each began is in a trace.' +
      (lanes.length < workers.count ? ` ${lanes.length} of ${workers.count} workers: those that computed longest, and others evenly spread.` : ''),
    wide: true,
    heavy: true,
    height: Math.min(110 + lanes.length * 22, 720),
    option: (colours, narrow) => ({
      legend: {},
      grid: { left: narrow ? 44 : 64, right: 16, top: 36, bottom: 84 },
      tooltip: {
        formatter: ({ data }: { data: number[] }) => {
          const i = data[3];
          return tip(`worker ${rows.worker[i]}, step ${rows.step[i]}`, [
            ['began', seconds(rows.start_s[i])],
            ...shown.map(({ key, name }): [string, string] => [name, seconds(rows[key][i])]),
            ['staleness', `${count(rows.staleness[i])} updates`],
          ]);
        },
      },
      xAxis: { type: 'value', min: begin, max: end, name: 'simulated time', nameGap: 26, axisLabel: { formatter: seconds_axis, showMaxLabel: false, showMinLabel: false }, splitNumber: narrow ? 3 : 8 },
      yAxis: { type: 'category', name: 'worker', nameGap: narrow ? 28 : 44, inverse: true, data: lanes.map(String), axisTick: { show: false } },
      dataZoom: [
        { type: 'inside', end: zoomed, filterMode: 'weakFilter', zoomOnMouseWheel: 'shift', moveOnMouseMove: 'shift' },
        { type: 'slider', end: zoomed, filterMode: 'weakFilter', height: 22, bottom: 8, labelFormatter: seconds, textStyle: { color: colours.dim }, borderColor: colours.line },
      ],
      series: shown.map(({ key, name }, k) => ({
        name, type: 'custom', itemStyle: { color: colours.activity(key) }, encode: { x: [1, 2], y: 0 }, data: bars[k], clip: true,
        renderItem: (area: { coordSys: { x: number; width: number } }, api: Api) => {
          const from = Math.max(api.coord([api.value(1), api.value(0)])[0], area.coordSys.x);
          const to = Math.min(api.coord([api.value(2), api.value(0)])[0], area.coordSys.x + area.coordSys.width);
          const height = api.size([0, 1])[1] * 0.72;
          if (to <= from) return undefined;
          const y = api.coord([0, api.value(0)])[1] - height / 2;
          return { type: 'rect', shape: { x: from, y, width: Math.max(to - from, 0.5), height }, style: { fill: colours.activity(key) } };
        },
      })),
    }),
    table: () => ({
      columns: [{ name: 'worker' }, { name: 'step' }, { name: 'began', show: seconds },
        ...parts.map(({ name }) => ({ name, show: seconds })), { name: 'staleness (updates)' }],
      rows: rows.worker.map((worker, i) => [worker, rows.step[i], rows.start_s[i], ...parts.map(({ key }) => rows[key][i]), rows.staleness[i]]),
    }),
  };
};
