// Several runs side by side: a table of configurations, and plots of them. The accuracy to which time is counted can be
// changed.
import type { Comparison } from './compare';
import { compare } from './compare';
import type { Maybe, Sample } from './data';
import { element, table } from './dom';
import { figure } from './plot';
import { overlay } from './plots/overlay';
import { outcomes, parallel } from './plots/parallel';
import { pareto } from './plots/pareto';
import { scaling } from './plots/scaling';
import { time_to_accuracy } from './plots/time_to_accuracy';

const plots = [overlay, time_to_accuracy, scaling, pareto, parallel];

const configurations = ({ axes, configurations: all }: Comparison): HTMLElement => {
  const shown = outcomes.filter(({ of }) => all.some((each) => of(each) !== undefined));
  return table('Means over seeds; click a head to sort', {
    columns: [
      ...(axes.length ? axes.map((name) => ({ name, kind: 'text' as const })) : [{ name: 'configuration', kind: 'text' as const }]),
      { name: 'workers' }, { name: 'seeds' }, ...shown.map(({ name, show }) => ({ name, show })), { name: 'on the front', kind: 'text' },
    ],
    rows: all.map((each) => [
      ...(axes.length ? each.short : [each.name]), each.workers, each.samples.length,
      ...shown.map(({ of }) => of(each) ?? null), each.on_front ? 'yes' : 'no',
    ]),
  });
};

export const comparison_part = (samples: Sample[], student: number[], notes: string[]): HTMLElement[] => {
  const below = element('div');
  const show = (goal?: Maybe): Maybe => {
    const made = compare(samples, student, goal);
    below.replaceChildren(configurations(made), element('h2', { id: 'comparison-plots' }, 'Plots of all'),
      element('div', { class: 'plots' }, ...plots.map((plot) => plot(made)).filter((plot) => plot !== undefined).map((plot) => figure(plot))));
    return made.goal;
  };
  const goal = show();
  const input = element('input', { id: 'goal', type: 'number', min: '0', max: '100', step: '0.1', value: goal === null ? '' : String(+(100 * goal).toFixed(3)) });
  input.addEventListener('change', () => {
    if (input.value !== '' && input.checkValidity()) show(Number(input.value) / 100);
  });
  return [
    element('h2', { id: 'comparison' }, 'Side by side'),
    ...notes.map((note) => element('p', { class: 'note' }, note)),
    ...(goal === null ? [] : [element('p', {}, element('label', { for: 'goal' }, 'Time and bytes are counted to a test accuracy of '), input, ' %',
      element('span', { class: 'note' }, ' (at first that at which the scenarios stop, or the highest that all runs reached)'))]),
    below,
  ];
};
