import type { Figure, FigureTable } from '../../figures/figure';
import { heatmaps } from '../../figures/heatmaps';
import { signedNumber } from '../../figures/signed-number';
import { canNormalise, type Effects } from './effects';
import { shortText } from '../short-text';
import { decodeTensor } from '../tensor-codec';
import { textTable } from '../text-table';

/** How a result's effects are laid out and named. */
export interface EffectsView {
  readonly title: string;
  readonly effects: Effects;
  readonly rows: { readonly title: string; readonly labels: readonly string[] };
  readonly columns: { readonly title: string; readonly labels: readonly string[] };
  readonly cell: (row: number, column: number) => string;
  /** 'logit difference', in `unit`. */
  readonly metric: string;
  readonly unit: string;
  /** Said of the runs that effects are differences from, where there is no corrupted one. */
  readonly reference?: string;
  /** What was put where, and what 0 and 1 mean. */
  readonly caption: string;
  readonly prompts: number;
}

interface Ranked {
  readonly name: string;
  readonly effect: number;
  readonly deviation: number;
}

const TOP = 15;
const TABLE_ROWS = 50;

/** One map, red below zero and blue above. */
export function effectsFigures(view: EffectsView): readonly Figure[] {
  const { effects, rows, columns, title } = view;
  const flat = decodeTensor(effects.values);
  const width = columns.labels.length;
  const values = rows.labels.map((_, row) =>
    Array.from(flat.subarray(row * width, (row + 1) * width), value => (Number.isNaN(value) ? null : value))
  );
  const most = flat.reduce((largest, value) => (Math.abs(value) > largest ? Math.abs(value) : largest), 0) || 1;
  return [
    heatmaps({
      title,
      caption: `${view.caption}${gaps(view)}`,
      alt: altText(view),
      panels: [
        { title: `Effect on the ${view.metric}`, values, unit: unitOf(view), range: [-most, most], signed: true }
      ],
      rows,
      columns,
      cell: view.cell,
      table: table(view)
    })
  ];
}

const unitOf = ({ effects, unit }: EffectsView): string =>
  effects.normalised ? 'share of clean − corrupted' : `change, ${unit}`;

const gaps = ({ effects }: EffectsView): string => {
  const total = effects.values.shape.reduce((product, size) => product * size, 1);
  return effects.done < total ? ` ${effects.done} of ${total} cells are computed; the others are left empty.` : '';
};

/** Largest first, by absolute value. */
function ranked({ effects, rows, columns, cell }: EffectsView): Ranked[] {
  const [values, deviations] = [decodeTensor(effects.values), decodeTensor(effects.deviations)];
  const width = columns.labels.length;
  return rows.labels
    .flatMap((_, row) =>
      columns.labels.map((__, column): Ranked => {
        const at = row * width + column;
        return { name: cell(row, column), effect: values[at], deviation: deviations[at] };
      })
    )
    .filter(({ effect }) => !Number.isNaN(effect))
    .sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
}

function table(view: EffectsView): FigureTable {
  const all = ranked(view);
  const several = view.prompts > 1;
  const columns = ['place', `effect (${unitOf(view)})`, ...(several ? ['standard deviation over prompts'] : [])];
  const rows = all.map(({ name, effect, deviation }) => [
    name,
    signed(effect),
    ...(several ? [Number(deviation.toFixed(4))] : [])
  ]);
  return { columns, rows: rows.slice(0, TABLE_ROWS), omitted: Math.max(0, rows.length - TABLE_ROWS) };
}

const signed = (value: number): string => signedNumber(value, 4);

function altText(view: EffectsView): string {
  const largest = ranked(view)
    .slice(0, 3)
    .map(({ name, effect }) => `${name} ${signed(effect)}`);
  const { rows, columns } = view;
  const what = `Map of ${rows.labels.length} ${rows.title} × ${columns.labels.length} ${columns.title}`;
  return shortText(`${what}. Largest effects: ${largest.join(', ') || 'none yet'}.`);
}

/** Why effects are no shares. */
const rawWords = ({ baselines }: Effects): string =>
  canNormalise(baselines)
    ? 'effects are changes of the metric, not normalised'
    : 'clean and corrupted have the same metric, so that no share of their difference is defined: effects are changes of the metric, not normalised';

export function effectsSummary(view: EffectsView): string {
  const { effects, prompts } = view;
  const { clean, corrupted } = effects.baselines;
  const all = ranked(view);
  const several = prompts > 1;
  return [
    `${view.title}: ${view.caption}${gaps(view)}`,
    view.reference ??
      `${view.metric}: clean ${clean.toFixed(4)}, corrupted ${corrupted.toFixed(4)} ${view.unit}; ${prompts} prompt${several ? 's' : ''}`,
    ...(effects.normalised || view.reference ? [] : [rawWords(effects)]),
    ...textTable(
      ['place', 'effect', ...(several ? ['deviation'] : [])],
      all
        .slice(0, TOP)
        .map(({ name, effect, deviation }) => [name, signed(effect), ...(several ? [deviation.toFixed(4)] : [])]),
      40
    ),
    ...(all.length > TOP ? [`${all.length - TOP} smaller effects are not listed`] : [])
  ].join('\n');
}
