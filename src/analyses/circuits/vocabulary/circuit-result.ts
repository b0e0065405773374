import { linearAlgebra } from '../../../maths/linear-algebra';
import { headPlace } from '../head-place';
import type { HeadPlace } from '../../../figures/part-names';
import { random } from '../../../maths/random';
import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import type { Check } from '../../check';
import { agree, count, gappedTensor, list, number, object, oneOf, table, text } from '../../check';
import type { ResultTable, ResultTensor } from '../../result';
import { shortText } from '../../short-text';
import type { Spec } from '../../spec/spec';
import { encodeTensor } from '../../tensor-codec';
import { MOST_TOKENS, type CIRCUIT_FIELDS } from './circuit-fields';
import type { ScoredToken } from './top-tokens';
import { findCircuit, type CircuitFindings, type VocabularyCircuit } from './vocabulary-circuit';

export interface CircuitResult {
  /** Σλ/Σ|λ| over the vocabulary [layer, head], −1 to 1. */
  readonly scores: ResultTensor & { readonly dtype: 'float32' };
  /** Share of the tokens that have their own token first, and among the first 5 [rank, layer, head]; NaN where it was not asked for. */
  readonly shares: ResultTensor & { readonly dtype: 'float32' };
  /** Tokens that the shares are over, of `vocabulary`. */
  readonly sources: number;
  readonly vocabulary: number;
  /** The head that is taken apart. */
  readonly layer: number;
  readonly head: number;
  /** Its singular values, the largest first. */
  readonly singular: readonly number[];
  /** direction, end (+ or −), side (left or right), token, id, value. */
  readonly directions: ResultTable;
  /** The chosen tokens' rows: source, sourceId, token, id, value. */
  readonly rows: ResultTable;
  /** What was folded. */
  readonly norm: 'layer' | 'rms' | 'none';
}

export const RESULT_FIELDS = {
  scores: gappedTensor(['layer', 'head']),
  shares: gappedTensor(['rank', 'layer', 'head']),
  sources: count,
  vocabulary: count,
  layer: count,
  head: count,
  singular: list(number),
  directions: table({
    direction: count,
    end: oneOf('+', '−'),
    side: oneOf('left', 'right'),
    token: text,
    id: count,
    value: number
  }),
  rows: table({ source: text, sourceId: count, token: text, id: count, value: number }),
  norm: oneOf('layer', 'rms', 'none')
};

export type CircuitSpec = Spec<typeof CIRCUIT_FIELDS>;

export const checkCircuit = <R extends CircuitResult>(fields: Check<R>, value: unknown): R => {
  const result = fields(value, 'result');
  const [layers, heads] = result.scores.shape;
  agree('result.shares', 2, result.shares.shape[0]);
  agree('result.shares layers', layers, result.shares.shape[1]);
  agree('result.shares heads', heads, result.shares.shape[2]);
  if (result.layer >= layers || result.head >= heads || result.singular.length === 0) {
    throw new Error(`'result.head': ${result.layer}.${result.head} of ${layers} layers with ${heads} heads`);
  }
  return result;
};

export const circuitCheck: Check<CircuitResult> = object<CircuitResult>(RESULT_FIELDS);

/** Runs a circuit for a spec. Throws where the head or the tokens are none of the model's. */
export async function circuitResult(
  subject: Subject,
  spec: CircuitSpec,
  circuit: VocabularyCircuit,
  context: Context,
  seed: number
): Promise<CircuitResult> {
  const chosen = headOf(subject, spec);
  const tokens = tokensOf(subject, spec, circuit.right.size);
  const label = (id: number): string => shortText(subject.tokens?.label(id) ?? String(id), 60);
  const request = { ...spec, ...(chosen && { chosen }), tokens };
  const found = await findCircuit(circuit, request, {
    algebra: await linearAlgebra(),
    random: random(seed),
    context
  });
  const { tower } = subject;
  const shape = [tower.layers, tower.heads];
  const shares = Float32Array.from([...found.top1, ...found.top5]);
  return {
    scores: { ...encodeTensor({ dims: ['layer', 'head'], shape }, found.eigenvalue), dtype: 'float32' },
    shares: { ...encodeTensor({ dims: ['rank', 'layer', 'head'], shape: [2, ...shape] }, shares), dtype: 'float32' },
    sources: found.sources,
    vocabulary: circuit.right.size,
    layer: found.layer,
    head: found.head,
    singular: Array.from(found.singular, sixDigits),
    directions: directionTable(found, label),
    rows: rowTable(found, tokens, label),
    norm: tower.norm.placement === 'none' ? 'none' : tower.norm.kind
  };
}

const sixDigits = (value: number): number => Number(value.toPrecision(6));

function headOf(subject: Subject, { layer, head }: CircuitSpec): HeadPlace | undefined {
  if (layer < 0 && head < 0) {
    return undefined;
  }
  if (layer < 0 || head < 0) {
    throw new Error(`field '${layer < 0 ? 'layer' : 'head'}' is −1 where the other names a head: give both`);
  }
  return headPlace(subject, { layer, head });
}

function tokensOf(subject: Subject, { text: words, ids }: CircuitSpec, size: number): number[] {
  if (words === undefined && ids === undefined) {
    return [];
  }
  const read = subject.input(ids ? { ids } : { text: words! });
  const different = [...new Set(read.ids)];
  if (different.length > MOST_TOKENS) {
    throw new Error(
      `too many tokens: field '${ids ? 'ids' : 'text'}' has ${different.length} different ones, rows of at most ${MOST_TOKENS} are listed`
    );
  }
  const outside = different.find(id => id >= size);
  if (outside !== undefined) {
    throw new Error(
      `token out of range: ${outside} in field '${ids ? 'ids' : 'text'}', the circuit is over ${size} tokens`
    );
  }
  return different;
}

function directionTable({ directions }: CircuitFindings, label: (id: number) => string): ResultTable {
  const all = directions.flatMap(({ plus, minus }, direction) =>
    (['+', '−'] as const).flatMap(end =>
      (['left', 'right'] as const).flatMap(side =>
        (end === '+' ? plus : minus)[side].map(token => ({ direction, end, side, ...token }))
      )
    )
  );
  return {
    columns: {
      direction: all.map(({ direction }) => direction),
      end: all.map(({ end }) => end),
      side: all.map(({ side }) => side),
      ...tokenColumns(all, label)
    }
  };
}

function rowTable({ rows }: CircuitFindings, tokens: readonly number[], label: (id: number) => string): ResultTable {
  const all = rows.flatMap((row, at) => row.map(token => ({ source: tokens[at], ...token })));
  return {
    columns: {
      source: all.map(({ source }) => label(source)),
      sourceId: all.map(({ source }) => source),
      ...tokenColumns(all, label)
    }
  };
}

const tokenColumns = (all: readonly ScoredToken[], label: (id: number) => string): ResultTable['columns'] => ({
  token: all.map(({ id }) => label(id)),
  id: all.map(({ id }) => id),
  value: all.map(({ value }) => sixDigits(value))
});
