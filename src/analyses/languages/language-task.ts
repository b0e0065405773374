import type { Departure } from '../departures';
import type { Random } from '../../maths/random';
import type { Group } from './group';

/** Where the model answers: its output at each symbol, or what it puts behind the sequence. */
export const FORMS = ['positions', 'continuation'] as const;
export type Form = (typeof FORMS)[number];

/** One thing asked of the model. */
export interface Answer {
  /** Numbers of the answers that are offered. */
  readonly choices: readonly number[];
  /** Those of them that are right; the first is written where the model reads on. */
  readonly right: readonly number[];
}

export interface Instance {
  /** Numbers of the symbols, in order. */
  readonly symbols: readonly number[];
  /** What is asked at each symbol; undefined where nothing is. Empty in the form 'continuation'. */
  readonly at: readonly (Answer | undefined)[];
  /** What is asked behind the sequence, each answer read before the next. Empty in the form 'positions'. */
  readonly sequel: readonly Answer[];
}

export interface TaskOptions {
  readonly form: Form;
  /** Symbols of the alphabet. */
  readonly size: number;
  readonly hops: number;
  readonly group: Group;
  /** The model sees only what came before. */
  readonly causal: boolean;
}

/** A formal language, or a function of sequences. */
export interface LanguageTask {
  readonly id: string;
  /** What is known of transformers on it, one or two sentences, with the paper. */
  readonly theorem: string;
  /** What that leaves out, if the model has it. */
  readonly assumes: readonly Departure[];
  /** Symbols where nothing else is said, and how their number is bounded. */
  readonly alphabet: {
    readonly names: 'letters' | 'brackets';
    readonly size: (options: Pick<TaskOptions, 'group'>) => number;
  };
  /** 'symbols': answers are symbols; else the names of the answers, as many as sequences of this length have. */
  answers(options: TaskOptions, longest: number): 'symbols' | readonly string[];
  /** Why these options or this length cannot be, or undefined. */
  fault(options: TaskOptions, length: number): string | undefined;
  /** Answers behind a sequence of this length, at most. */
  sequel(length: number): number;
  draw(stream: Random, length: number, options: TaskOptions): Instance;
  /** The number that an answer is, where the model answers by a number. */
  value(choice: number, position: number): number;
}

const known = new Map<number, readonly number[]>();

/** 0, 1, … n − 1: the same list each time, as every question has one. */
export function counting(n: number): readonly number[] {
  const list = known.get(n) ?? Array.from({ length: n }, (_, i) => i);
  known.set(n, list);
  return list;
}

/** One answer is right, of `of`. */
export const only = (right: number, of: number): Answer => ({ choices: counting(of), right: [right] });

/** The same number as the answer's. */
export const itself = (choice: number): number => choice;
