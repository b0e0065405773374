import type { Projection, Tower } from '../../anatomy/anatomy';
import { random, type Random } from '../../maths/random';
import { weightStore } from '../../onnx/collect-weights';
import { elementType } from '../../onnx/element-type';
import type { Model, TensorProto } from '../../onnx/model';
import { tensorBytes } from '../../onnx/tensor-bytes';
import type { Weight, Weights } from '../../onnx/weights';
import type { Context } from '../context';

export interface Shuffled {
  readonly model: Model;
  readonly weights: Weights;
}

/**
 * The entries of each weight matrix (embeddings, projections, MLPs, unembedding) in a random order: its size and the distribution of its
 * entries stay, whatever training wrote into their arrangement goes. Biases and norms stay; a tied matrix stays tied; each initialiser is
 * shuffled whole, several maps packed in one together. Throws for a matrix that the graph computes (a dequantised one).
 */
export async function shuffleWeights(
  { model, weights }: Shuffled,
  towers: readonly Tower[],
  seed: number,
  { signal, progress }: Context
): Promise<Shuffled> {
  const names = matrixNames(towers);
  const stream = random(seed);
  const inside = new Map(model.graph.initializers.map(tensor => [tensor.name, tensor]));
  const store = new Map([...weights.names()].map(name => [name, weights.get(name)!]));
  const turned = new Map<string, TensorProto>();
  for (const [at, name] of names.entries()) {
    progress({ done: at, total: names.length, label: `shuffling matrix ${at + 1} of ${names.length}` });
    await new Promise(resolve => setTimeout(resolve));
    signal.throwIfAborted();
    const kept = store.get(name);
    const small = inside.get(name);
    if (kept) {
      store.set(name, { ...kept, bytes: shuffled(kept, stream) });
    } else if (small) {
      const bytes = shuffled({ ...small, bytes: tensorBytes(small) }, stream);
      turned.set(name, { ...small, data: { kind: 'raw', bytes } });
    } else {
      throw new Error(
        `weights not shuffled: '${name}' is computed by the graph (a quantised weight), not stored as it is used`
      );
    }
  }
  const initializers = model.graph.initializers.map(tensor => turned.get(tensor.name) ?? tensor);
  return { model: { ...model, graph: { ...model.graph, initializers } }, weights: weightStore(store) };
}

/** In the order of the anatomy, each once. */
function matrixNames(towers: readonly Tower[]): readonly string[] {
  const ofProjection = (part: Projection | undefined): string | undefined => part?.weight;
  const names = towers.flatMap(({ embedding, blocks, head }) => [
    embedding?.weight,
    embedding?.positionWeight,
    ...blocks.flatMap(({ attention: { q, k, v, o }, mlp }) =>
      [q, k, v, o, mlp?.in, mlp?.gate, mlp?.out].map(ofProjection)
    ),
    ofProjection(head?.unembed)
  ]);
  return [...new Set(names.filter(name => name !== undefined))];
}

const ARRAYS = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array } as const;

/** Fisher and Yates, on the elements' bits. */
function shuffled({ name, dataType, bytes }: Pick<Weight, 'name' | 'dataType' | 'bytes'>, stream: Random): Uint8Array {
  const bits = elementType(dataType)?.bits;
  const kind = bits === 8 || bits === 16 || bits === 32 || bits === 64 ? ARRAYS[bits] : undefined;
  if (!kind) {
    throw new Error(`weights not shuffled: '${name}' packs its elements in ${bits ?? 'an unknown number of'} bits`);
  }
  // A copy, which is aligned.
  const copy = bytes.slice();
  const values = new kind(copy.buffer);
  for (let i = values.length - 1; i > 0; i--) {
    const j = stream.below(i + 1);
    [values[i], values[j]] = [values[j], values[i]];
  }
  return copy;
}
