// A line for each configuration through what it is and what came of it.
import type { Comparison, Configuration } from '../compare';
import type { Format } from '../format';
import { bytes, count, escape, percent, seconds } from '../format';
import type { Plot } from '../plot';

export const outcomes: { name: string; show: Format; of: (each: Configuration) => number | undefined }[] = [
  { name: 'time to accuracy', show: seconds, of: (each) => each.time_to_accuracy_s?.mean },
  { name: 'simulated time', show: seconds, of: (each) => each.measure('simulated_time_s')?.mean },
  { name: 'samples/s', show: count, of: (each) => each.measure('throughput_samples_per_s')?.mean },
  { name: 'best accuracy', show: percent, of: (each) => each.measure('best_test_accuracy')?.mean },
  { name: 'wait', show: percent, of: (each) => each.measure('wait_fraction')?.mean },
  { name: 'communication', show: percent, of: (each) => each.measure('exposed_communication_fraction')?.mean },
  { name: 'bytes', show: bytes, of: (each) => each.measure('bytes_on_wire')?.mean },
];

export const parallel = ({ axes, configurations }: Comparison): Plot | undefined => {
  if (configurations.length < 2 || !axes.length) return undefined;
  const shown = outcomes.filter(({ of }) => configurations.every((each) => of(each) !== undefined));
  const value = (each: Configuration, i: number): number | string => {
    const raw = each.samples[0].axes[axes[i]];
    return numeric[i] ? Number(raw) : each.short[i];
  };
  const numeric = axes.map((axis) => configurations.every((each) => typeof each.samples[0].axes[axis] === 'number'));
  const lines = configurations.map((each) => [...axes.map((_, i) => value(each, i)), ...shown.map(({ of }) => of(each)!)]);
  return {
    id: 'parallel',
    title: 'What configurations are, and what came of it',
    summary: `${configurations.length} lines through ${axes.length} keys and ${shown.length} figures.`,
    note: 'A line for each configuration. Drag along an axis to keep those that pass there, click it to keep all.',
    wide: true,
    height: 400,
    heavy: configurations.length > 300,
    option: (colours, narrow) => ({
      tooltip: {
        formatter: ({ dataIndex }: { dataIndex: number }) => {
          const each = configurations[dataIndex];
          return `<strong>${escape(each.name)}</strong>` + shown.map(({ name, show, of }) => `<br>${escape(name)}: <b>${show(of(each))}</b>`).join('');
        },
      },
      parallel: { left: narrow ? 36 : 70, right: narrow ? 44 : 90, top: narrow ? 24 : 50, bottom: 30, layout: narrow ? 'vertical' : 'horizontal' },
      parallelAxis: [
        ...axes.map((axis, i) => ({ name: axis.split('.').pop(), ...(numeric[i] ? { scale: true } : { type: 'category', data: [...new Set(lines.map((line) => line[i]))] }) })),
        ...shown.map(({ name, show }) => ({ name, scale: true, axisLabel: { formatter: show } })),
      ].map((axis, i) => ({
        dim: i, nameGap: 14, nameTextStyle: { color: colours.text }, axisLine: { lineStyle: { color: colours.dim } }, ...axis,
        axisLabel: { color: colours.text, textBorderColor: colours.back, textBorderWidth: 3, width: 110, overflow: 'truncate', ...('axisLabel' in axis ? (axis.axisLabel as object) : {}) },
      })),
      series: [{
        name: 'configurations', type: 'parallel', lineStyle: { width: 2, opacity: 0.75 },
        data: lines.map((line, k) => ({ value: line, lineStyle: { color: colours.series[k % colours.series.length] } })),
      }],
    }),
    table: () => ({
      columns: [...axes.map((name, i) => ({ name, ...(numeric[i] ? {} : { kind: 'text' as const }) })), ...shown.map(({ name, show }) => ({ name, show }))],
      rows: lines,
    }),
  };
};
