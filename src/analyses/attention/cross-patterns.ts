import type { Context } from '../../subject/context';
import type { Cost, Input, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { missingHook } from '../hooks';
import type { PatternLayer } from './pattern-bytes';
import { quiet } from '../quiet';
import { isEncoderDecoder, sequencesOf, towersOf, type ReadingSpec } from '../reading';

/** What the encoder reads and what the decoder has written. */
export interface CrossReading {
  /** Its ids are the encoder's; the decoder reads `written`. */
  readonly subject: Subject;
  readonly source: Input;
  readonly written: Input;
}

/** Throws for a model that is no encoder–decoder. */
export function crossReading(subject: Subject, spec: ReadingSpec): CrossReading {
  if (!subject.reading || !isEncoderDecoder(subject)) {
    throw new Error(`field 'tower' is 'cross', '${subject.facts.label}' has no decoder that reads an encoder`);
  }
  const [encoder, decoder] = towersOf(subject);
  const { source, written } = sequencesOf(spec);
  const read = subject.reading({ tower: decoder.name, other: source }).input(written);
  const reading = subject.reading({ tower: encoder.name, other: { ids: read.ids } });
  return { subject: reading, source: reading.input(source), written: read };
}

/** Both as one sequence, the source first. */
export function crossInput({ source, written }: CrossReading): Input {
  return { ids: [...source.ids, ...written.ids], labels: [...source.labels, ...written.labels], bos: source.bos };
}

const hooksOf = (subject: Subject, layers: readonly number[]): readonly string[] =>
  layers.map(layer => `${towersOf(subject)[1].name}.blocks.${layer}.cross_attn.hook_pattern`);

export const crossCost = ({ subject, source }: CrossReading, layers: readonly number[]): Cost =>
  subject.cost({ ids: [source.ids], hooks: hooksOf(subject, layers) });

/** Cross-attention of one layer [head, query_pos, key_pos]: the rows of the decoder's tokens sum to one over the source's. */
export interface CrossPattern extends PatternLayer {
  readonly layer: number;
  readonly keys: number;
}

export async function crossPatterns(
  { subject, source, written }: CrossReading,
  layers: readonly number[],
  context: Context
): Promise<readonly CrossPattern[]> {
  const hooks = hooksOf(subject, layers);
  const missing = missingHook(subject, hooks);
  if (missing !== undefined) {
    throw new Error(`cross-attention not possible on '${subject.facts.label}': ${missing}`);
  }
  context.progress({ done: 0, total: 1, label: 'forward' });
  const cache = await subject.forward({ ids: [source.ids], hooks }, quiet(context));
  return layers.map((layer, i) => {
    const { dims } = cache.get(hooks[i]);
    const [, , length, keys] = dims;
    if (length !== written.ids.length || keys !== source.ids.length) {
      throw new Error(`hook '${hooks[i]}' has shape [${dims.join(', ')}], not that of the two sequences`);
    }
    return { layer, length, keys, weights: floats(cache.get(hooks[i]), hooks[i]) };
  });
}
