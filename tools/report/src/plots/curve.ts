// Accuracy and loss over simulated time, steps or bytes.
import type { Run } from '../data';
import { choice } from '../dom';
import { bytes, count, percent, plain, seconds, seconds_axis, tip } from '../format';
import type { Plot } from '../plot';

export const over = [
  { key: 'time_s', name: 'simulated time', short: 'Time', show: seconds, label: seconds_axis },
  { key: 'step', name: 'steps', short: 'Steps', show: count, label: count },
  { key: 'bytes_on_wire', name: 'bytes on the wire', short: 'Bytes', show: bytes, label: bytes },
] as const;

export const curve = ({ curve: points, summary }: Run): Plot | undefined => {
  if (!points.test_accuracy.some((value) => value !== null) && !points.train_loss.some((value) => value !== null)) return undefined;
  let chosen: (typeof over)[number] = over[0];
  const lines = [
    { name: 'test accuracy', values: points.test_accuracy, axis: 0, show: percent },
    { name: 'train loss', values: points.train_loss, axis: 1, show: plain },
    { name: 'test loss', values: points.test_loss, axis: 1, show: plain },
  ].filter(({ values }) => values.some((value) => value !== null));
  return {
    id: 'curve',
    title: 'Accuracy and loss',
    summary: `Test accuracy ends at ${percent(summary.final_test_accuracy)} after ${seconds(summary.simulated_time_s)}.`,
    note: 'Train loss is the mean over the batches since the point before.',
    wide: true,
    controls: (draw) => [choice('Over', over.map(({ short }) => short), (i) => { chosen = over[i]; draw(); })],
    option: (_, narrow) => ({
      legend: {},
      grid: { left: narrow ? 52 : 64, right: narrow ? 46 : 64, top: 40, bottom: 48 },
      tooltip: {
        trigger: 'axis',
        formatter: (items: { dataIndex: number }[]) => {
          const i = items[0].dataIndex;
          return tip(`${chosen.show(points[chosen.key][i])} ${chosen.key === 'step' ? 'steps' : ''}`,
            lines.map(({ name, values, show }) => [name, show(values[i])]));
        },
      },
      xAxis: { type: 'value', name: chosen.name, nameGap: 28, axisLabel: { formatter: chosen.label, showMaxLabel: false }, splitLine: { show: false }, max: 'dataMax', splitNumber: narrow ? 3 : 6 },
      yAxis: [
        { type: 'value', name: 'accuracy', nameGap: narrow ? 40 : 48, scale: true, axisLabel: { formatter: percent } },
        { type: 'value', name: 'loss', nameGap: narrow ? 32 : 44, min: 0, splitLine: { show: false } },
      ],
      series: lines.map(({ name, values, axis }, i) => ({
        name, type: 'line', yAxisIndex: axis, showSymbol: values.length < 60, symbol: ['circle', 'rect', 'triangle'][i], symbolSize: 6,
        lineStyle: { type: ['solid', 'dashed', 'dotted'][i], width: 2 },
        data: values.map((value, k) => [points[chosen.key][k], value]),
      })),
    }),
    table: () => ({
      columns: [
        ...over.map(({ name, show }) => ({ name, show })),
        ...lines.map(({ name, show }) => ({ name, show })),
      ],
      rows: points.time_s.map((_, i) => [...over.map(({ key }) => points[key][i]), ...lines.map(({ values }) => values[i])]),
    }),
  };
};
