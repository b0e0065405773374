import type { Figure } from '../figures/figure';
import type { Context } from '../subject/context';
import type { Cost, Subject } from '../subject/subject';
import type { Spec, SpecFields } from './spec/spec';
import { suited, type Suited } from './spec/suited';

/** The survey's place of an analysis (arXiv 2410.11444). */
export type Family =
  'model' | 'circuits' | 'expressivity' | 'generalisation' | 'dynamics' | 'inference' | 'training' | 'ethics';

/** What a number is. */
export type NumberKind = 'identity' | 'bound' | 'estimator' | 'causal' | 'heuristic';

export interface Theory {
  readonly kind: NumberKind;
  /** What theorem or definition it rests on, one or two sentences. */
  readonly statement: string;
  /** Which assumption a checkpoint breaks. */
  readonly caveat: string;
  readonly references: readonly string[];
}

/**
 * One file says everything about one analysis; the registry is one array. The functions are written as methods, whose
 * parameters TypeScript compares both ways, so that analyses of different specs and results fit in that array: callers
 * pass what `validateSpec` and `validateResult` of the same analysis returned.
 */
export interface Analysis<F extends SpecFields = SpecFields, R = unknown> {
  /** Kebab-case noun, fixed for scripts. */
  readonly id: string;
  readonly title: string;
  /** One line for the picker. */
  readonly description: string;
  readonly family: Family;
  /** Id in the list of measures, 'E3'. */
  readonly measure?: string;
  readonly theory: Theory;
  /** Whether the field of prompts matters to a spec; absent: always. */
  readsPrompts?(spec: Spec<F>): boolean;
  /** Why this model cannot serve it, or undefined when it can. */
  refuses(subject: Subject): string | undefined;
  readonly spec: F;
  cost(subject: Subject, spec: Spec<F>): Cost;
  /** Plain cloneable data; shapes and units documented on the type. */
  compute(subject: Subject, spec: Spec<F>, context: Context, seed: number): Promise<R>;
  /** How much of a result is there, for analyses whose results may be partial. */
  completion?(result: R): { readonly done: number; readonly total: number };
  /** A saved result, hostile until shown otherwise; throws one sentence. Sizes agree with shapes and are bounded. */
  validateResult(value: unknown): R;
  figures(result: R, spec: Spec<F>): readonly Figure[];
  /** text/plain of the output, at most 40 lines. */
  summary(result: R, spec: Spec<F>): string;
}

/** Infers fields and result from the parts; what a spec leaves open is settled for the model before it runs. */
export const analysis = <F extends SpecFields, R>(definition: Analysis<F, R>): Analysis<F, Suited<R>> =>
  suited(definition);
