// Elements, and tables whose columns sort.
type Child = Node | string;

export const element = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

export type Cell = number | string | null;
export interface Column {
  name: string;
  show?: (value: never) => string;
  kind?: 'text' | 'wrap';
}
export interface Rows {
  columns: Column[];
  rows: Cell[][];
}

const most_rows = 2000;

const before = (a: Cell, b: Cell): number => {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1; // what is not known is last
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
};

export const table = (label: string, { columns, rows }: Rows): HTMLElement => {
  const body = element('tbody');
  const fill = (ordered: Cell[][]): void => {
    body.replaceChildren(
      ...ordered.slice(0, most_rows).map((row) =>
        element('tr', {}, ...row.map((value, i) => {
          const { show, kind } = columns[i];
          const text = value === null ? '–' : show ? show(value as never) : String(value);
          return element('td', kind ? { class: kind === 'wrap' ? 'text wrap' : 'text' } : {}, text);
        }))));
  };
  const heads = columns.map(({ name, kind }, i) => {
    const button = element('button', { type: 'button', title: `Sort by ${name}` }, name);
    const head = element('th', { scope: 'col', ...(kind ? { class: 'text' } : {}) }, button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      fill([...rows].sort((a, b) => (down && a[i] !== null && b[i] !== null ? -1 : 1) * before(a[i], b[i])));
    });
    return head;
  });
  fill(rows);
  const made = element('table', {}, element('caption', { class: 'note' }, label),
    element('thead', {}, element('tr', {}, ...heads)), body);
  if (rows.length > most_rows) made.append(element('tfoot', {}, element('tr', {}, element('td', { colspan: String(columns.length) },
    `${rows.length - most_rows} more rows are left out`))));
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, made);
};

// Buttons of which one is pressed.
export const choice = (label: string, names: string[], chosen: (index: number) => void): HTMLElement => {
  const buttons = names.map((name, i) => {
    const button = element('button', { type: 'button', 'aria-pressed': String(i === 0) }, name);
    button.addEventListener('click', () => {
      buttons.forEach((each, k) => each.setAttribute('aria-pressed', String(k === i)));
      chosen(i);
    });
    return button;
  });
  return element('span', { class: 'controls', role: 'group', 'aria-label': label }, ...buttons);
};
