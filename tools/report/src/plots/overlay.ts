// Accuracy of all runs in one plot: a colour for each configuration, a line for each seed.
import type { Comparison } from '../compare';
import { choice } from '../dom';
import { escape, percent } from '../format';
import type { Plot } from '../plot';
import { over } from './curve';

const dashes = ['solid', 'dashed', 'dotted'];

export const overlay = ({ configurations }: Comparison): Plot | undefined => {
  const lines = configurations.flatMap((configuration, k) => configuration.samples.map((sample) => ({ configuration, sample, k })));
  if (!lines.some(({ sample }) => sample.curve.test_accuracy.some((value) => value !== null))) return undefined;
  const known = over.filter(({ key }) => lines.every(({ sample }) => sample.curve[key]));
  let chosen: (typeof over)[number] = known[0];
  const points = lines.reduce((sum, { sample }) => sum + sample.curve.time_s.length, 0);
  return {
    id: 'overlay',
    title: 'Test accuracy',
    summary: `${lines.length} runs of ${configurations.length} configurations.`,
    note: 'A line for each run; runs that differ in nothing but their seed have one colour.',
    wide: true,
    heavy: points > 4000,
    height: 380,
    controls: (draw) => [choice('Over', known.map(({ short }) => short), (i) => { chosen = known[i]; draw(); })],
    option: (colours, narrow) => ({
      legend: {},
      grid: { left: narrow ? 52 : 70, right: 20, top: 40, bottom: 48 },
      tooltip: {
        formatter: ({ seriesIndex, data: [x, y] }: { seriesIndex: number; data: number[] }) => {
          const { configuration, sample } = lines[seriesIndex];
          return `<strong>${escape(configuration.name)}</strong><br>seed ${sample.seed} (${escape(sample.label)})<br>${chosen.name}: <b>${chosen.show(x)}</b><br>test accuracy: <b>${percent(y)}</b>`;
        },
      },
      xAxis: { type: 'value', name: chosen.name, nameGap: 28, axisLabel: { formatter: chosen.label }, splitLine: { show: false }, splitNumber: narrow ? 3 : 6 },
      yAxis: { type: 'value', name: 'test accuracy', nameGap: narrow ? 40 : 52, scale: true, axisLabel: { formatter: percent } },
      series: lines.map(({ configuration, sample, k }) => ({
        name: configuration.name, type: 'line', showSymbol: points < 400, symbolSize: 5,
        itemStyle: { color: colours.series[k % colours.series.length] },
        lineStyle: { width: 1.8, type: dashes[Math.floor(k / colours.series.length) % dashes.length] },
        data: sample.curve.test_accuracy.map((value, i) => [sample.curve[chosen.key]![i], value]),
      })),
    }),
    table: () => ({
      columns: [{ name: 'configuration', kind: 'text' }, { name: 'seed' }, ...known.map(({ name, show }) => ({ name, show })), { name: 'test accuracy', show: percent }],
      rows: lines.flatMap(({ configuration, sample: { seed, curve } }) =>
        curve.test_accuracy.map((value, i) => [configuration.name, seed, ...known.map(({ key }) => curve[key]![i]), value])),
    }),
  };
};
