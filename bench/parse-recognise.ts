import { recognise } from '../src/anatomy/recognise';
import { decompose } from '../src/graph/decompose/decompose';
import { collectWeights } from '../src/onnx/collect-weights';
import { readModel } from '../src/onnx/read-model';
import { quantile, timed } from './alternate';
import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { slope } from './slope';
import { WEIGHTS_FILE } from './weight-store';

const ROUNDS = 20;
/** As many nodes as optimum's export of a GPT-2 of 12 layers has: that one has 225 a layer, constants included, the graph written here 149. */
const LAYERS_OF_2700_NODES = 18;
/** As many nodes where each layer's attention is one operator, 69 a layer. */
const FUSED_LAYERS = 39;
const TARGET = 150;
const GROWTH = [2, 4, 8, 16, 32, 48];
const GROWTH_ROUNDS = 7;
const MOST_EXPONENT = 1.15;

type Form = 'exported' | 'fused';

interface Opening {
  readonly nodes: number;
  readonly bytes: number;
  readonly first: number;
  /** Milliseconds, of all and of reading alone. */
  readonly times: readonly number[];
  readonly reading: readonly number[];
}

/** Reads, decomposes and recognises a graph of this many layers. The time does not depend on the vocabulary; a small one spares 300 MB. */
const opening = async (layers: number, rounds: number, form: Form = 'exported'): Promise<Opening> => {
  const files = gpt2Files({ ...GPT2_SMALL, layers, width: 96, vocabulary: 512 }, form);
  const externals = new Map([[WEIGHTS_FILE, files.weights]]);
  const read = () => collectWeights(readModel(files.model, 'model.onnx'), externals);
  let nodes = 0;
  const open = (): void => {
    const { model, weights } = read();
    nodes = model.graph.nodes.length;
    const found = recognise(decompose(model, weights).model, weights).towers[0]?.layers ?? 0;
    if (found !== layers) {
      throw new Error(`the recogniser found ${found} layers, the graph has ${layers}`);
    }
  };
  const first = await timed(open);
  const [times, reading]: number[][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    times.push(await timed(open));
    reading.push(await timed(read));
  }
  return { nodes, bytes: files.model.length, first, times, reading };
};

const median = (values: readonly number[]): number => quantile(values, 0.5);

const parseBench = (name: string, form: Form, layers: number): Bench => ({
  name,
  run: async () => {
    const { nodes, bytes, first, times, reading } = await opening(layers, ROUNDS, form);
    return atMost({
      name,
      value: median(times) - median(reading),
      unit: 'ms beyond reading',
      target: TARGET,
      detail:
        `${nodes} nodes${form === 'fused' ? `, ${layers} com.microsoft Attention to take apart` : ''}, ${(bytes / 1e6).toFixed(2)} MB; ` +
        `${median(times).toFixed(0)} ms in all, of which reading ${median(reading).toFixed(0)} ` +
        `(medians of ${ROUNDS}, quartiles ${[0.25, 0.75].map(q => quantile(times, q).toFixed(0)).join('–')} ms); the first time ${first.toFixed(0)} ms`
    });
  }
});

export const parseBenches: readonly Bench[] = [
  parseBench('parse-recognise', 'exported', LAYERS_OF_2700_NODES),
  parseBench('parse-recognise-fused', 'fused', FUSED_LAYERS),
  {
    name: 'growth-nodes',
    run: async () => {
      const points: (readonly [number, number])[] = [];
      for (const layers of GROWTH) {
        const { nodes, times } = await opening(layers, GROWTH_ROUNDS);
        points.push([nodes, Math.min(...times) / 1000]);
      }
      const [x, y] = [0, 1].map(axis => points.map(point => Math.log(point[axis])));
      return atMost({
        name: 'growth-nodes',
        value: slope(x, y),
        unit: 'exponent',
        target: MOST_EXPONENT,
        detail: `reading, decomposing and recognising graphs of ${GROWTH.join(', ')} layers; ${points.map(([nodes, seconds]) => `${nodes} nodes: ${(seconds * 1000).toFixed(0)} ms`).join(', ')}`,
        plot: { x: 'nodes', y: 'seconds', points }
      });
    }
  }
];
