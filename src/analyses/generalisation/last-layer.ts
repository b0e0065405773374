import type { Context } from '../../subject/context';
import type { Cost, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { missingHook } from '../hooks';
import { quiet } from '../quiet';
import { refusesLogits } from '../refuses-logits';

/** What the unembedding reads of one text, and what it gives. */
export interface LastLayer {
  /** Of each position h [d_model], behind the final norm. */
  readonly hidden: readonly Float32Array[];
  /** Of each position z = h·W_U + b_U [d_vocab]. */
  readonly logits: readonly Float32Array[];
}

/** The tensor that W_U multiplies. */
export function hiddenHook({ anatomy, tower }: Subject): string {
  const prefix = anatomy.towers.length > 1 ? `${tower.name}.` : '';
  return `${prefix}${tower.head?.norm ? 'ln_final.hook_out' : (tower.head?.hook ?? '')}`;
}

/** Why the last layer of this model cannot be read. */
export function refusesLastLayer(subject: Subject): string | undefined {
  return (
    refusesLogits(subject) ??
    missingHook(subject, [hiddenHook(subject)]) ??
    (subject.tower.head?.behindLayer && !subject.tower.head.norm
      ? 'between its last block and its unembedding stands a layer of its own, and no hook has what that gives'
      : undefined) ??
    (subject.weights.names.includes('W_U') ? undefined : 'its unembedding is not stored as numbers that are understood')
  );
}

/** The same, where the next token is what is right. */
export function refusesNextToken(subject: Subject): string | undefined {
  return (
    refusesLogits(subject) ??
    (subject.tower.causal ? undefined : 'bidirectional model: it does not predict the next token') ??
    refusesLastLayer(subject)
  );
}

export const lastLayerCost = (subject: Subject, ids: readonly number[]): Cost =>
  subject.cost({ ids: [ids], hooks: [hiddenHook(subject)], outputs: [subject.tower.head!.logits] });

export async function readLastLayer(subject: Subject, ids: readonly number[], context: Context): Promise<LastLayer> {
  context.signal.throwIfAborted();
  const hook = hiddenHook(subject);
  const { logits } = subject.tower.head!;
  const cache = await subject.forward({ ids: [ids], hooks: [hook], outputs: [logits] }, quiet(context));
  const rows = (name: string): Float32Array[] => {
    const values = floats(cache.get(name), name);
    const strange = values.findIndex(value => !Number.isFinite(value));
    if (strange >= 0 || values.length % ids.length !== 0) {
      throw new Error(
        strange >= 0
          ? `'${name}' holds ${values[strange]} at position ${Math.floor(strange / (values.length / ids.length))}, where a finite number belongs`
          : `'${name}' holds ${values.length} numbers, which do not make ${ids.length} positions`
      );
    }
    const width = values.length / ids.length;
    return ids.map((_, at) => values.subarray(at * width, (at + 1) * width));
  };
  return { hidden: rows(hook), logits: rows(logits) };
}

/** Relative to the largest logit: single precision, and half precision's rounding of a stored W_U. */
const TOLERANCE = 2e-3;
const PROBES = 8;

/** Throws unless logits are h·W_U + b_U: a scale or a cap behind the unembedding would change every number that follows. */
export function refuseUnlinear({ weights }: Subject, { hidden, logits }: LastLayer): void {
  const largest = logits.reduce((most, row) => row.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
  for (let probe = 0; probe < PROBES; probe++) {
    const id = Math.floor((probe * (logits[0].length - 1)) / (PROBES - 1));
    const range = [id, id + 1] as const;
    const column = weights.read('W_U', { range }).data as Float32Array;
    const bias = weights.names.includes('b_U') ? Number(weights.read('b_U', { range }).data[0]) : 0;
    hidden.forEach((h, at) => {
      const found = h.reduce((sum, value, i) => sum + value * column[i], bias);
      if (!(Math.abs(found - logits[at][id]) <= TOLERANCE * largest)) {
        throw new Error(
          `unembedding not linear: token ${id} at position ${at} has logit ${logits[at][id].toPrecision(4)}, h·W_U + b_U gives ${found.toPrecision(4)}`
        );
      }
    });
  }
}
