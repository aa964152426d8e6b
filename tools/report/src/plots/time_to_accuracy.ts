// Simulated time until runs were as accurate as asked: means over seeds with their 95 % intervals.
import type { Comparison } from '../compare';
import { bytes, percent, seconds, seconds_axis, tip } from '../format';
import type { Plot } from '../plot';
import { interval_bars } from './interval_bars';

export const time_to_accuracy = ({ configurations, goal }: Comparison): Plot | undefined => {
  if (goal === null) return undefined;
  const bars = configurations.filter((each) => each.time_to_accuracy_s).sort((a, b) => a.time_to_accuracy_s!.mean - b.time_to_accuracy_s!.mean);
  const others = configurations.length - bars.length;
  if (!bars.length) return undefined;
  return {
    id: 'time-to-accuracy',
    title: `Time to ${percent(goal)} test accuracy`,
    summary: `The fastest is ${bars[0].name}: ${seconds(bars[0].time_to_accuracy_s!.mean)}.`,
    note: `Means over seeds with 95 % intervals.${others ? ` ${others} of ${configurations.length} configurations did not get there with every seed.` : ''}`,
    wide: true,
    height: 80 + 30 * bars.length,
    option: (colours, narrow) => interval_bars({
      names: bars.map(({ name }) => name),
      values: bars.map((each) => each.time_to_accuracy_s!),
      axis: 'simulated time', show: seconds_axis, colours, narrow,
      tooltip: (i) => tip(bars[i].name, [
        ['mean time', seconds(bars[i].time_to_accuracy_s!.mean)],
        ['95 % interval', bars[i].time_to_accuracy_s!.half === null ? 'one seed only' : `± ${seconds(bars[i].time_to_accuracy_s!.half)}`],
        ['mean bytes', bytes(bars[i].bytes_to_accuracy?.mean)],
        ['seeds', String(bars[i].samples.length)],
      ]),
    }),
    table: () => ({
      columns: [{ name: 'configuration', kind: 'text' }, { name: 'mean', show: seconds }, { name: '± 95 %', show: seconds }, { name: 'bytes', show: bytes }, { name: 'seeds that got there' }, { name: 'seeds' }],
      rows: configurations.map((each) => [each.name, each.time_to_accuracy_s?.mean ?? null, each.time_to_accuracy_s?.half ?? null, each.bytes_to_accuracy?.mean ?? null, each.reached, each.samples.length]),
    }),
  };
};
