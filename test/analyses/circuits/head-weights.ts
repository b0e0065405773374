import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of one circuit over the vocabulary; the lists by head are [layer · heads + head]. */
export interface BilinearOracle {
  readonly eigenvalue: readonly number[];
  readonly top1: readonly number[];
  readonly top5: readonly number[];
  /** Of the chosen head. */
  readonly singular: readonly number[];
  /** By direction, end (+ first) and side (left first): the tokens with the largest values. */
  readonly directions: readonly (readonly (readonly (readonly number[])[])[])[];
  /** The largest entries of the chosen tokens' rows. */
  readonly tokens: readonly (readonly number[])[];
  readonly values: readonly (readonly number[])[];
}

export interface HeadWeightsOracle {
  readonly chosen: readonly [number, number];
  readonly tokens: readonly number[];
  readonly families: Readonly<
    Record<
      string,
      {
        /** [sender layer][head][receiver layer][head], flat; 0 where the receiver is in no later layer. */
        readonly composition: Readonly<Record<'Q' | 'K' | 'V', readonly number[]>>;
        readonly ov: BilinearOracle;
        readonly qk: BilinearOracle;
        readonly positions?: readonly (readonly number[])[];
      }
    >
  >;
}

/** What test/fixtures/head_weights.py wrote. */
export const headWeights = (): HeadWeightsOracle =>
  JSON.parse(readFileSync(join(__dirname, '../../fixtures/analyses/head-weights.json'), 'utf8')) as HeadWeightsOracle;
