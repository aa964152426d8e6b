// Lying bars with an interval on each.
import type { Colours } from '../colours';
import type { Estimate } from '../compare';
import type { Format } from '../format';
import type { Option } from '../plot';

interface Api {
  value: (dimension: number) => number;
  coord: (point: number[]) => number[];
}

export const interval_bars = ({ names, values, axis, show, colours, narrow, tooltip }: {
  names: string[];
  values: Estimate[];
  axis: string;
  show: Format;
  colours: Colours;
  narrow: boolean;
  tooltip: (i: number) => string;
}): Option => ({
  grid: { left: narrow ? 130 : 320, right: 30, top: 10, bottom: 48 },
  tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, formatter: ([{ dataIndex }]: { dataIndex: number }[]) => tooltip(dataIndex) },
  xAxis: { type: 'value', name: axis, nameGap: 28, min: 0, axisLabel: { formatter: show }, splitNumber: narrow ? 2 : 4 },
  yAxis: { type: 'category', inverse: true, data: names, axisTick: { show: false }, axisLabel: { width: narrow ? 122 : 310, overflow: 'truncate', hideOverlap: false } },
  series: [
    { name: axis, type: 'bar', barMaxWidth: 22, data: values.map(({ mean }) => mean) },
    {
      name: '95 % interval', type: 'custom', z: 5, silent: true, encode: { x: [1, 2], y: 0 },
      data: values.flatMap(({ mean, half }, i) => (half === null ? [] : [[i, Math.max(mean - half, 0), mean + half]])),
      renderItem: (_: unknown, api: Api) => {
        const [from, y] = api.coord([api.value(1), api.value(0)]);
        const [to] = api.coord([api.value(2), api.value(0)]);
        const line = (x1: number, y1: number, x2: number, y2: number): Option =>
          ({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: colours.text, lineWidth: 1.5 } });
        return { type: 'group', children: [line(from, y, to, y), line(from, y - 5, from, y + 5), line(to, y - 5, to, y + 5)] };
      },
    },
  ],
});
