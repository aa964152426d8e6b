// Time, accuracy and bytes of configurations; those that no other one beats are filled.
import type { Comparison } from '../compare';
import { bytes, percent, seconds, seconds_axis, tip } from '../format';
import type { Plot } from '../plot';

export const pareto = ({ configurations, goal }: Comparison): Plot | undefined => {
  const points = configurations.flatMap((each) => {
    const accuracy = each.measure('best_test_accuracy')?.mean;
    const time = (each.time_to_accuracy_s ?? each.measure('simulated_time_s'))?.mean;
    const sent = (each.bytes_to_accuracy ?? each.measure('bytes_on_wire'))?.mean;
    return accuracy === undefined || time === undefined || sent === undefined ? [] : [{ each, accuracy, time, sent }];
  });
  if (points.length < 2) return undefined;
  const most = Math.max(...points.map(({ sent }) => sent), 1);
  const kinds = [
    { name: 'on the front', some: points.filter(({ each }) => each.on_front) },
    { name: goal === null ? 'beaten' : 'beaten, or not as accurate', some: points.filter(({ each }) => !each.on_front) },
  ];
  return {
    id: 'pareto',
    title: 'Time, accuracy and bytes',
    summary: `On the front: ${kinds[0].some.map(({ each }) => each.name).join('; ') || 'none'}.`,
    note: `${goal === null ? 'Simulated time and bytes' : `Time and bytes up to ${percent(goal)} (of the whole run where that was not reached)`}; the area of a circle is the bytes. No other configuration is as good as one on the front in all three and better in one.`,
    option: (colours, narrow) => ({
      legend: {},
      grid: { left: 70, right: 30, top: 40, bottom: 48 },
      tooltip: {
        formatter: ({ seriesIndex, dataIndex }: { seriesIndex: number; dataIndex: number }) => {
          const { each, accuracy, time, sent } = kinds[seriesIndex].some[dataIndex];
          return tip(each.name, [['time', seconds(time)], ['best accuracy', percent(accuracy)], ['bytes', bytes(sent)], ['seeds', String(each.samples.length)]]);
        },
      },
      xAxis: { type: 'value', scale: true, name: 'simulated time', nameGap: 28, axisLabel: { formatter: seconds_axis }, splitNumber: narrow ? 3 : 5 },
      yAxis: { type: 'value', scale: true, name: 'best test accuracy', nameGap: 52, axisLabel: { formatter: percent } },
      series: kinds.map(({ name, some }, k) => ({
        name, type: 'scatter', symbol: k ? 'diamond' : 'circle',
        itemStyle: k ? { color: 'transparent', borderColor: colours.dim, borderWidth: 2 } : { color: colours.series[0], opacity: 0.85 },
        data: some.map(({ time, accuracy, sent }) => ({ value: [time, accuracy], symbolSize: 8 + 26 * Math.sqrt(sent / most) })),
      })),
    }),
    table: () => ({
      columns: [{ name: 'configuration', kind: 'text' }, { name: 'on the front', kind: 'text' }, { name: 'time', show: seconds }, { name: 'best accuracy', show: percent }, { name: 'bytes', show: bytes }],
      rows: points.map(({ each, time, accuracy, sent }) => [each.name, each.on_front ? 'yes' : 'no', time, accuracy, sent]),
    }),
  };
};
