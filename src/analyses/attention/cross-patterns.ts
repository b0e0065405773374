import type { Context } from '../../subject/context';
import type { Cost, Input, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { missingHook } from '../hooks';
import type { LayerPattern } from './pattern-runs';
import { quiet } from '../quiet';
import { sequencesOf, towersOf, type ReadingSpec } from '../reading';

/** What the encoder reads and what the decoder has written, as one sequence: the source first. */
export interface CrossReading {
  /** Its ids are the encoder's; the decoder reads `written`. */
  readonly subject: Subject;
  readonly source: Input;
  readonly written: Input;
}

/** Throws for a model that is no encoder–decoder. */
export function crossReading(subject: Subject, spec: ReadingSpec): CrossReading {
  if (!subject.reading) {
    throw new Error(`field 'tower' is 'cross', '${subject.facts.label}' has no decoder that reads an encoder`);
  }
  const [encoder, decoder] = towersOf(subject);
  const { source, written } = sequencesOf(spec);
  const read = subject.reading({ tower: decoder.name, other: source }).input(written);
  const reading = subject.reading({ tower: encoder.name, other: { ids: read.ids } });
  return { subject: reading, source: reading.input(source), written: read };
}

export function crossInput({ source, written }: CrossReading): Input {
  return { ids: [...source.ids, ...written.ids], labels: [...source.labels, ...written.labels], bos: source.bos };
}

const hooksOf = (subject: Subject, layers: readonly number[]): readonly string[] =>
  layers.map(layer => `${towersOf(subject)[1].name}.blocks.${layer}.cross_attn.hook_pattern`);

export const crossCost = ({ subject, source }: CrossReading, layers: readonly number[]): Cost =>
  subject.cost({ ids: [source.ids], hooks: hooksOf(subject, layers) });

/**
 * Cross-attention [head, query_pos, key_pos] of each layer over both sequences: rows of the decoder's tokens, which stand behind the
 * source's, sum to one over the source's columns; rows of the source are empty.
 */
export async function crossPatterns(
  { subject, source, written }: CrossReading,
  layers: readonly number[],
  context: Context
): Promise<readonly LayerPattern[]> {
  const hooks = hooksOf(subject, layers);
  const missing = missingHook(subject, hooks);
  if (missing !== undefined) {
    throw new Error(`cross-attention not possible on '${subject.facts.label}': ${missing}`);
  }
  context.progress({ done: 0, total: 1, label: 'forward' });
  const cache = await subject.forward({ ids: [source.ids], hooks }, quiet(context));
  const length = source.ids.length + written.ids.length;
  return layers.map((layer, i) => {
    const { dims } = cache.get(hooks[i]);
    const [, heads, queries, keys] = dims;
    if (queries !== written.ids.length || keys !== source.ids.length) {
      throw new Error(`hook '${hooks[i]}' has shape [${dims.join(', ')}], not that of the two sequences`);
    }
    const weights = new Float32Array(heads * length * length);
    floats(cache.get(hooks[i]), hooks[i]).forEach((weight, at) => {
      const [head, row] = [Math.floor(at / (queries * keys)), Math.floor(at / keys) % queries];
      weights[(head * length + keys + row) * length + (at % keys)] = weight;
    });
    return { row: 0, layer, heads, length, weights };
  });
}
