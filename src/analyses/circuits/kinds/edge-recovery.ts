import type { TableFigure } from '../../../figures/figure';
import type { Tensor } from '../../../onnx/tensor';
import type { Context } from '../../../subject/context';
import type { Edges } from '../../../subject/interventions/edges';
import type { Input, Subject } from '../../../subject/subject';
import { count, number, object, oneOf, table, text, type Check } from '../../check';
import { floats } from '../../floats';
import { quiet } from '../../quiet';
import type { ResultTable } from '../../result';
import { shortText } from '../../short-text';

/** Edges whose removal changes an output, and those that the program has. */
export interface EdgeRecovery {
  /** Edges that there can be: each was removed. */
  readonly tried: number;
  /** `edge` by its name, `score`: the largest change of an output as a share of the largest of all edges; known ones, and others above the threshold. */
  readonly rows: ResultTable;
}

const MOST_TRIED = 20_000;
/** Rows of one run: each with one edge removed. */
const ROWS = 64;

export const checkEdges: Check<EdgeRecovery> = (value, at) =>
  object<EdgeRecovery>({ tried: count, rows: table({ edge: text, score: number, known: oneOf('yes', 'no') }) })(
    value,
    at
  );

/** Words of the field, each once. */
export const edgeNames = (given: string | undefined): readonly string[] => [
  ...new Set((given ?? '').split(/[\s,;]+/).filter(Boolean))
];

/** Removes every edge, one at a time. Throws for a known edge that cannot be. */
export async function edgeRecovery(
  subject: Subject,
  known: readonly string[],
  threshold: number,
  texts: readonly Input[],
  context: Context
): Promise<EdgeRecovery> {
  const edges = await subject.edges({}, context);
  try {
    edges.mask(known);
    const all = edges.all();
    if (all.length > MOST_TRIED) {
      throw new Error(`too many edges: '${subject.facts.label}' has ${all.length}, at most ${MOST_TRIED} are tried`);
    }
    const effects = await effectsOf(edges, all, subject.tower.head!.logits, texts, context);
    const largest = effects.reduce((most, value) => Math.max(most, value), 0);
    const truth = new Set(known);
    const rows = all
      .map((edge, at) => ({ edge, score: largest > 0 ? effects[at] / largest : 0, known: truth.has(edge) }))
      .filter(one => one.known || one.score > threshold);
    return {
      tried: all.length,
      rows: {
        columns: {
          edge: rows.map(({ edge }) => edge),
          score: rows.map(({ score }) => score),
          known: rows.map(one => (one.known ? 'yes' : 'no'))
        }
      }
    };
  } finally {
    await edges.release();
  }
}

/** [edge]: the largest change of a logit over all texts and positions. */
async function effectsOf(
  edges: Edges,
  all: readonly string[],
  logits: string,
  texts: readonly Input[],
  context: Context
): Promise<number[]> {
  const effects = all.map(() => 0);
  for (const [row, { ids }] of texts.entries()) {
    const run = async (names: readonly string[]): Promise<Float32Array> => {
      const mask = rowsOf(names.map(name => edges.mask(name === '' ? [] : [name])));
      const cache = await edges.run({ ids: names.map(() => ids), mask, patch: 'zero' }, quiet(context));
      return floats(cache.get(logits), logits);
    };
    const clean = await run(['']);
    for (let from = 0; from < all.length; from += ROWS) {
      context.signal.throwIfAborted();
      context.progress({
        done: row * all.length + from,
        total: texts.length * all.length,
        label: `input ${row + 1} of ${texts.length}, edge ${from + 1} of ${all.length}`
      });
      (await run(all.slice(from, from + ROWS))).forEach((value, i) => {
        const at = from + Math.floor(i / clean.length);
        effects[at] = Math.max(effects[at], Math.abs(value - clean[i % clean.length]));
      });
    }
  }
  return effects;
}

/** Masks of one row each as one of many. */
function rowsOf(masks: readonly Tensor[]): Tensor {
  const [{ dims }] = masks;
  const size = masks[0].data.length;
  const data = new Float32Array(masks.length * size);
  masks.forEach((mask, at) => data.set(mask.data as Float32Array, at * size));
  return { dims: [masks.length, ...dims.slice(1)], type: 'float32', data };
}

interface Row {
  readonly edge: string;
  readonly score: number;
  readonly known: boolean;
}

function rowsIn({ rows: { columns } }: EdgeRecovery): Row[] {
  const { edge, score, known } = columns as unknown as {
    readonly edge: readonly string[];
    readonly score: readonly number[];
    readonly known: readonly ('yes' | 'no')[];
  };
  return edge.map((name, at) => ({ edge: name, score: score[at], known: known[at] === 'yes' }));
}

/** Precision (NaN where nothing was found) and recall, and the precision of a guess. */
export function edgeQuality(found: EdgeRecovery, threshold: number): readonly [number, number, number] {
  const rows = rowsIn(found);
  const above = rows.filter(({ score }) => score > threshold);
  const known = rows.filter(one => one.known).length;
  const right = above.filter(one => one.known).length;
  return [above.length > 0 ? right / above.length : NaN, right / known, known / found.tried];
}

const MOST_ROWS = 50;
const COLUMNS = ['known', 'found', 'score'];

/** Wrong edges first, then the strongest. */
export function edgeFigure(found: EdgeRecovery, threshold: number, words: string): TableFigure {
  const wrong = ({ known, score }: Row): boolean => known !== score > threshold;
  const all = rowsIn(found).sort((a, b) => Number(wrong(b)) - Number(wrong(a)) || b.score - a.score);
  const rows = all.slice(0, MOST_ROWS);
  const cells = ({ known, score }: Row): string[] => [
    known ? 'yes' : 'no',
    score > threshold ? 'yes' : 'no',
    score.toPrecision(3)
  ];
  const omitted = all.length - rows.length;
  return {
    kind: 'table',
    title: 'Recovery of known edges',
    caption: `Each of ${found.tried} edges was removed, what the one part writes taken out of what the other reads; score: the largest change of an output, as a share of the largest. ${words} Bold: known and not found, or found and not known.`,
    alt: shortText(`${words} ${rows.map(row => `${row.edge}: ${row.score.toPrecision(3)}`).join('; ')}`),
    corner: 'edge',
    columns: COLUMNS.map(label => ({ label, align: label === 'score' ? 'end' : 'start' })),
    rows: rows.map(row => ({ label: row.edge, cells: cells(row).map(cell => ({ text: cell, bold: wrong(row) })) })),
    table: { columns: ['edge', ...COLUMNS], rows: rows.map(row => [row.edge, ...cells(row)]), omitted }
  };
}
