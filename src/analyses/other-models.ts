import type { Context } from '../subject/context';
import type { Cost, Subject } from '../subject/subject';
import { text } from './spec/spec';

/** Models that are measured beside the first one. */
export const OTHERS = {
  others: text({
    title: 'Other models',
    description:
      'Up to three models or checkpoints that are measured the same way and drawn beside: folders or .onnx files, named as the first is, one a line.',
    maxLength: 4096
  })
};

/** Beside the first one. */
export const MOST_OTHERS = 3;

/** Paths, one a line; none of an absent field. */
export const otherPaths = (others: unknown): readonly string[] =>
  typeof others === 'string'
    ? others
        .split(/\r?\n/)
        .map(line => line.trim())
        .filter(Boolean)
    : [];

/** Other models are taken to cost what the first one does. */
export const withOthers = (spec: { readonly others?: string | undefined }, cost: Cost): Cost => ({
  ...cost,
  forwards: cost.forwards * (1 + otherPaths(spec.others).length)
});

/** Opens each model in turn, and closes it when `work` is done. Throws before the first where there are too many, or none can be opened. */
export async function eachOther<T>(
  first: Subject,
  others: string | undefined,
  context: Context,
  work: (subject: Subject, at: number) => Promise<T>
): Promise<T[]> {
  const paths = otherPaths(others);
  if (paths.length > MOST_OTHERS) {
    throw new Error(`field 'others' names ${paths.length} models, at most ${MOST_OTHERS} stand beside the first`);
  }
  if (paths.length > 0 && !context.open) {
    throw new Error(`other model not opened: nothing opens '${paths[0]}' here`);
  }
  const found: T[] = [];
  for (const [at, path] of paths.entries()) {
    context.signal.throwIfAborted();
    const opened = await context.open!(path);
    try {
      found.push(await work(reading(opened, first), at));
    } finally {
      await opened.close();
    }
  }
  return found;
}

/** A model without a tokenizer reads by the first one's where their vocabularies have one size. */
function reading(opened: Subject, first: Subject): Subject {
  const rows = ({ tower }: Subject): number | null => tower.embedding?.rows ?? tower.dVocab;
  return opened.tokens || !first.tokens || rows(opened) !== rows(first)
    ? opened
    : { ...opened, tokens: first.tokens, input: first.input };
}
