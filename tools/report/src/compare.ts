// Runs as configurations: those that differ in nothing but their seed are one. Means have 95 % intervals of Student's t:
// mean ± t(0.975, n − 1) s / √n.
import type { Maybe, Sample } from './data';

export interface Estimate {
  mean: number;
  half: Maybe; // of the interval; of one run there is none
}
export interface Configuration {
  name: string;
  short: string[]; // values of the axes, in few words
  samples: Sample[];
  workers: number;
  reached: number; // runs that came to the accuracy
  time_to_accuracy_s: Estimate | undefined; // where all did
  bytes_to_accuracy: Estimate | undefined;
  measure: (name: string) => Estimate | undefined; // where all runs have it
  on_front: boolean;
}
export interface Comparison {
  axes: string[];
  goal: Maybe;
  configurations: Configuration[];
}

const estimate = (values: Maybe[], student: number[]): Estimate | undefined => {
  if (!values.length || values.some((value) => value === null)) return undefined;
  const known = values as number[];
  const n = known.length;
  const mean = known.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, half: null };
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { mean, half: student[n - 2] * Math.sqrt(variance / n) };
};

const short = (value: unknown): string => {
  if (value === null || value === undefined) return '–';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return value.length ? `[${value.map(short).join(', ')}]` : 'none';
  const { kind, ...others } = value as Record<string, unknown>;
  const rest = Object.entries(others).map(([key, inner]) => `${key} ${short(inner)}`).join(', ');
  return kind === undefined ? rest : rest ? `${kind} (${rest})` : String(kind);
};
const clipped = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

// What has a kind speaks for itself and comes first, numbers come with the last word of their key.
export const name_of = (axes: string[], raw: Record<string, unknown>, values: string[]): string => {
  const kind = (axis: string): boolean => typeof raw[axis] === 'object' && raw[axis] !== null && 'kind' in raw[axis];
  const order = axes.map((axis, i) => ({ axis, value: values[i] }));
  return [...order.filter(({ axis }) => kind(axis)).map(({ value }) => value),
    ...order.filter(({ axis }) => !kind(axis)).map(({ axis, value }) => `${axis.split('.').pop()} ${value}`)].join(', ');
};

// Where a run first was as accurate.
const first_at = ({ curve }: Sample, accuracy: number): number =>
  curve.test_accuracy.findIndex((value) => value !== null && value >= accuracy);

// The accuracy at which scenarios stop if that is one, else the highest that all reached.
const usual_goal = (samples: Sample[]): Maybe => {
  const best = samples.map(({ measures }) => measures.best_test_accuracy);
  const stop = samples[0].stop_accuracy;
  if (stop !== null && samples.every((sample) => sample.stop_accuracy === stop) && best.some((value) => (value ?? 0) >= stop)) return stop;
  const known = best.filter((value): value is number => value !== null && value !== undefined);
  return known.length ? Math.floor(1000 * Math.min(...known)) / 1000 : null;
};

// Not beaten: nobody is as good in all and better in one. Less is better.
const front = (costs: (number[] | undefined)[]): boolean[] =>
  costs.map((own) => own !== undefined && !costs.some((other) =>
    other !== undefined && other.every((value, i) => value <= own[i]) && other.some((value, i) => value < own[i])));

export const compare = (samples: Sample[], student: number[], goal: Maybe = usual_goal(samples)): Comparison => {
  const axes = Object.keys(samples[0].axes);
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = JSON.stringify(sample.axes);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  const configurations = [...groups.values()].map((some): Configuration => {
    const at = some.map((sample) => (goal === null ? -1 : first_at(sample, goal)));
    const values = axes.map((axis) => clipped(short(some[0].axes[axis])));
    const reached = at.filter((i) => i >= 0).length;
    const to = (key: 'time_s' | 'bytes_on_wire'): Estimate | undefined =>
      estimate(some.map(({ curve }, k) => (at[k] < 0 ? null : curve[key][at[k]])), student);
    return {
      name: name_of(axes, some[0].axes, values) || some[0].name,
      short: values,
      samples: some,
      workers: some[0].workers,
      reached,
      time_to_accuracy_s: to('time_s'),
      bytes_to_accuracy: to('bytes_on_wire'),
      measure: (name) => estimate(some.map(({ measures }) => measures[name] ?? null), student),
      on_front: false,
    };
  });
  const on_front = front(configurations.map((each) => {
    const costs = [(each.time_to_accuracy_s ?? (goal === null ? each.measure('simulated_time_s') : undefined))?.mean,
      -(each.measure('best_test_accuracy')?.mean ?? 0), (each.bytes_to_accuracy ?? each.measure('bytes_on_wire'))?.mean];
    return costs.includes(undefined) ? undefined : (costs as number[]);
  }));
  configurations.forEach((each, i) => (each.on_front = on_front[i]));
  return { axes, goal, configurations };
};
