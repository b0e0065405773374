import type { Figure } from '../figures/figure';
import type { Context } from '../subject/context';
import type { Cost, Subject } from '../subject/subject';
import type { Spec, SpecFields } from './spec';

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

/** One file says everything about one analysis; the registry is one array. */
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
  /** Why this model cannot serve it, or undefined when it can. */
  readonly refuses: (subject: Subject) => string | undefined;
  readonly spec: F;
  readonly cost: (subject: Subject, spec: Spec<F>) => Cost;
  /** Plain cloneable data; shapes and units documented on the type. */
  readonly compute: (subject: Subject, spec: Spec<F>, context: Context, seed: number) => Promise<R>;
  readonly figures: (result: R, spec: Spec<F>) => readonly Figure[];
  /** text/plain of the output, at most 40 lines. */
  readonly summary: (result: R, spec: Spec<F>) => string;
}

/** Infers fields and result from the parts. */
export const analysis = <F extends SpecFields, R>(definition: Analysis<F, R>): Analysis<F, R> => definition;
