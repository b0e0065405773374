import type { Figure, FigureTable } from '../../../figures/figure';
import { heatmaps, type Panel } from '../../../figures/heatmaps';
import { signedNumber } from '../../../figures/signed-number';
import { headName } from '../../attention/head-values';
import { shortText } from '../../short-text';
import { decodeTensor } from '../../tensor-codec';
import { textTable } from '../../text-table';
import { MODES, type Mode } from './composition-scores';
import { BY_LAYER, listed, pairPlace, type ScoredPairs } from './composition-table';
import type { Baseline } from './random-composition';

export interface Composition extends ScoredPairs {
  /** Of random matrices, by mode. */
  readonly baselines: readonly Baseline[];
  /** The model's own numbers of the layers. */
  readonly layers: readonly number[];
  readonly heads: number;
  /** Receiving layers that are complete, the first layer left out. */
  readonly done: number;
  readonly samples: number;
  /** What was folded. */
  readonly norm: 'layer' | 'rms' | 'none';
  readonly rotary: boolean;
}

interface Pair {
  readonly mode: Mode;
  readonly sender: string;
  readonly receiver: string;
  readonly score: number;
  readonly excess: number;
  /** In spreads of the baseline. */
  readonly spreads: number;
}

/** Rows of a map up to which the three modes stand side by side. */
const SIDE_BY_SIDE = 32;
const TABLE_ROWS = 50;
const LISTED = 10;

const names = ({ layers, heads }: Composition): string[] =>
  layers.flatMap(layer => Array.from({ length: heads }, (_, head) => headName(layer, head)));

/** [sender][receiver] or [from][to]; null where there is no score. */
function matrixOf(result: Composition, mode: number): (number | null)[][] {
  const { values, heads } = result;
  const [, size] = values.shape;
  const flat = decodeTensor(values);
  const number = (at: number): number | null => (Number.isNaN(flat[at]) ? null : flat[at]);
  const places = result.layers.map((_, layer) => layer);
  if (isByLayer(result)) {
    return places.map(from => places.map(to => number((mode * size + from) * size + to)));
  }
  const row = (from: number, sender: number): (number | null)[] =>
    places.flatMap(to =>
      Array.from({ length: heads }, (_, receiver) =>
        to > from ? number(mode * size + pairPlace(heads, from, to, sender) + receiver) : null
      )
    );
  return places.flatMap(from => Array.from({ length: heads }, (_, sender) => row(from, sender)));
}

/** The largest first. */
function pairs(result: Composition, mode: number): Pair[] {
  const named = names(result);
  const { mean, deviation } = result.baselines[mode];
  return listed(result.top, mode).map(({ from, to, score }) => ({
    mode: MODES[mode],
    sender: named[from],
    receiver: named[to],
    score,
    excess: score - mean,
    spreads: deviation > 0 ? (score - mean) / deviation : 0
  }));
}

const isByLayer = ({ values }: Composition): boolean => values.dims.join() === BY_LAYER.join();

export function compositionFigures(result: Composition): readonly Figure[] {
  const all = MODES.map((_, mode) => mode);
  const side = result.layers.length * stepOf(result);
  return side <= SIDE_BY_SIDE ? [figure(result, all)] : all.map(mode => figure(result, [mode]));
}

function figure(result: Composition, modes: readonly number[]): Figure {
  const byLayer = isByLayer(result);
  const labels = byLayer ? result.layers.map(String) : names(result);
  const step = stepOf(result);
  const [writers, readers] = [labels.slice(0, -step), labels.slice(step)];
  const what = byLayer ? 'layer' : 'head';
  const ranked = modes.map(mode => pairs(result, mode));
  const title = modes.length > 1 ? 'Composition of heads' : `${MODES[modes[0]]}-composition of heads`;
  return heatmaps({
    title,
    caption: caption(result),
    alt: shortText(
      `${title}, ${result.layers.length} layers × ${result.heads} heads. Largest: ${ranked.map(([best]) => (best ? `${best.mode} ${best.sender} to ${best.receiver} ${best.score.toFixed(3)}` : 'none yet')).join('; ')}.`
    ),
    panels: modes.map(mode => panel(result, mode)),
    rows: { title: `earlier ${what} (writes)`, labels: writers },
    columns: { title: `later ${what} (reads)`, labels: readers },
    cell: (row, column) => `${writers[row]} → ${readers[column]}`,
    table: tableOf(
      ranked.flat().sort((a, b) => b.excess - a.excess),
      modes.length * result.pairs
    )
  });
}

/** The last layer's heads write for no head, the first layer's read from none. */
const stepOf = (result: Composition): number => (isByLayer(result) ? 1 : result.heads);

function panel(result: Composition, mode: number): Panel {
  const step = stepOf(result);
  const values = matrixOf(result, mode)
    .slice(0, -step)
    .map(row => row.slice(step));
  const { mean, deviation } = result.baselines[mode];
  const most = values.flat().reduce<number>((largest, value) => Math.max(largest, value ?? 0), 2 * mean);
  return {
    title: `${MODES[mode]}-composition`,
    unit: `Frobenius ratio; random ${mean.toFixed(3)} ± ${deviation.toFixed(3)}`,
    values,
    range: [0, most]
  };
}

function caption(result: Composition): string {
  const { norm, rotary, samples, layers, done } = result;
  const folded =
    norm === 'none'
      ? 'The model has no norms to fold.'
      : `The norms’ weights are folded in${norm === 'layer' ? ', with layer norm’s centring' : ''}.`;
  const drawn = isByLayer(result) ? ' Each cell is the largest score of two layers’ heads.' : '';
  const partly = done < layers.length - 1 ? ` ${done} of ${layers.length - 1} receiving layers are computed.` : '';
  const turned = rotary ? ' Rotary embeddings between queries and keys are left out of Q and K.' : '';
  return `How much of what the earlier head writes (rows) the later head reads (columns).${drawn} Random: ${samples} pairs of Gaussian matrices of the same shapes, mean ± standard deviation. ${folded}${turned}${partly}`;
}

const tableOf = (all: readonly Pair[], total: number): FigureTable => ({
  columns: ['composition', 'from', 'to', 'score', 'less random', 'in spreads of random'],
  rows: all
    .slice(0, TABLE_ROWS)
    .map(({ mode, sender, receiver, score, excess, spreads }) => [
      mode,
      sender,
      receiver,
      Number(score.toFixed(5)),
      signedNumber(excess, 5),
      signedNumber(spreads, 1)
    ]),
  omitted: Math.max(0, total - TABLE_ROWS)
});

export function compositionSummary(result: Composition): string {
  const random = MODES.map(
    (mode, at) => `${mode} ${result.baselines[at].mean.toFixed(4)} ± ${result.baselines[at].deviation.toFixed(4)}`
  );
  return [
    `Composition of heads: ${result.layers.length} layers x ${result.heads} heads`,
    caption(result),
    `random: ${random.join(', ')}`,
    ...MODES.flatMap((mode, at) => {
      const all = pairs(result, at);
      return [
        `${mode}-composition, the largest of ${result.pairs} pairs:`,
        ...textTable(
          ['pair', 'score', 'less random'],
          all
            .slice(0, LISTED)
            .map(({ sender, receiver, score, excess }) => [
              `${sender} -> ${receiver}`,
              score.toFixed(4),
              signedNumber(excess, 4)
            ])
        )
      ];
    })
  ].join('\n');
}
