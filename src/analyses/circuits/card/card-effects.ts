import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import { blockHook } from '../../hooks';
import type { PlacedPrompt } from '../../patching/measured-prompts';
import { metricReadout } from '../../patching/metric';
import { answerDirections, type LinearMetric } from '../attribution/answer-direction';
import { attribute } from '../attribution/attribution-run';
import type { HeadPlace } from '../../../figures/part-names';
import { sourceTerms } from '../attribution/source-terms';

/** A mean over prompts and its standard deviation (n − 1). */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

export interface CardDirect {
  /** The head's own term of the metric, logits. */
  readonly term: Spread;
  /** Among all heads by size, 1 for the largest. */
  readonly rank: number;
  readonly of: number;
  /** The metric itself. */
  readonly measured: number;
  /** The term on the first prompt by the position it was read from. */
  readonly sources: readonly number[];
}

export const spread = (values: readonly number[]): Spread => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: values.length > 1 ? Math.sqrt(square / (values.length - 1)) : 0 };
};

/** What the head adds straight to the answer's logits. */
export async function cardDirect(
  subject: Subject,
  prompts: readonly PlacedPrompt[],
  metric: LinearMetric,
  { layer, head }: HeadPlace,
  context: Context
): Promise<CardDirect> {
  const directionOf = await answerDirections(subject, context);
  const terms = new Map<string, number[]>();
  const measured: number[] = [];
  let sources: readonly number[] = [];
  for (const [at, prompt] of prompts.entries()) {
    context.signal.throwIfAborted();
    const found = await attribute(subject, { prompt, metric, neurons: false }, directionOf, context);
    found.terms.forEach(({ kind, name, value }) =>
      kind === 'head' ? terms.set(name, [...(terms.get(name) ?? []), value]) : undefined
    );
    measured.push(found.measured);
    if (at === 0) {
      const [row] = await sourceTerms(subject, prompt, [{ layer, head }], found.reads, context);
      sources = [...row];
    }
  }
  const own = spread(terms.get(`L${layer}H${head}`)!);
  const larger = [...terms.values()].filter(values => Math.abs(spread(values).mean) > Math.abs(own.mean));
  return { term: own, rank: larger.length + 1, of: terms.size, measured: spread(measured).mean, sources };
}

export interface CardAblation {
  /** Change of the metric with zeros in the place of the head's result. */
  readonly zero: Spread;
  /** With its value of the corrupted run, where every prompt has one. */
  readonly corrupted: Spread | null;
  readonly measured: number;
}

/** What the answer loses without the head, prompt by prompt. */
export async function cardAblation(
  subject: Subject,
  prompts: readonly PlacedPrompt[],
  metric: LinearMetric,
  { layer, head }: HeadPlace,
  context: Context
): Promise<CardAblation> {
  const patches = [{ hook: blockHook(subject, layer, 'attn.hook_z'), heads: [head] }];
  const [zero, other, measured]: number[][] = [[], [], []];
  for (const prompt of prompts) {
    const request = { base: [prompt.clean.ids], patches, readout: metricReadout(metric, [prompt]) };
    const without = await subject.sweep({ ...request, source: { kind: 'zero' } }, context);
    zero.push(without.values[0] - without.base[0]);
    measured.push(without.base[0]);
    if (prompt.corrupted !== prompt.clean) {
      const swapped = await subject.sweep(
        { ...request, source: { kind: 'run', ids: [prompt.corrupted.ids] } },
        context
      );
      other.push(swapped.values[0] - swapped.base[0]);
    }
  }
  return {
    zero: spread(zero),
    corrupted: other.length === prompts.length ? spread(other) : null,
    measured: spread(measured).mean
  };
}
