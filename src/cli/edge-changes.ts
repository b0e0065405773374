import type { Tensor } from '../onnx/tensor';
import type { Context } from '../subject/context';
import type { When } from '../subject/generate/generate-aim';
import type { EdgeGeneration } from '../subject/interventions/edges';
import type { Generation } from '../subject/generate/generate';
import type { Subject, TextOrIds } from '../subject/subject';

/** Edges of which the readers see something else than what was written. */
export interface EdgeChanges {
  /** 'a0.h1->a1.h0<q>'. */
  readonly names: readonly string[];
  /** The run that they carry in its stead; absent: nothing. */
  readonly other?: TextOrIds;
  readonly when: When;
}

/** Continues a prompt with these edges changed; the values of another run are at the prompt's positions alone. */
export const generateWithEdges = async (
  subject: Subject,
  { names, other, when }: EdgeChanges,
  request: Omit<EdgeGeneration, 'mask' | 'patch'>,
  context: Context
): Promise<Generation> => {
  const [{ length }] = request.ids;
  const source = other && subject.input(other).ids;
  if (source && source.length !== length) {
    throw new Error(
      `runs not aligned: the prompt has ${length} tokens, the one that edges are taken from has ${source.length}`
    );
  }
  const receivers = [...new Set(names.flatMap(name => name.split('->').slice(1)))];
  const edges = await subject.edges({ receivers }, context);
  try {
    const mask = edges.mask(names);
    const patch = source ? await edges.written([source], context) : 'zero';
    const atPrompt = source !== undefined || when === 'prompt';
    return await edges.generate({ ...request, mask: atPrompt ? repeated(mask, length) : mask, patch }, context);
  } finally {
    await edges.release();
  }
};

/** [1, 1, receiver, sender] → [1, pos, receiver, sender]. */
const repeated = ({ dims: [, , receivers, senders], data }: Tensor, length: number): Tensor => {
  const all = new Float32Array(length * data.length);
  for (let at = 0; at < length; at++) {
    all.set(data as Float32Array, at * data.length);
  }
  return { dims: [1, length, receivers, senders], type: 'float32', data: all };
};
