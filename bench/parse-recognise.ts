import { recognise } from '../src/anatomy/recognise';
import { collectWeights } from '../src/onnx/collect-weights';
import { readModel } from '../src/onnx/read-model';
import { quantile, timed } from './alternate';
import { atMost, type Bench } from './bench';
import { GPT2_SMALL, gpt2Files } from './gpt2';
import { WEIGHTS_FILE } from './weight-store';

const ROUNDS = 20;
/** The time does not depend on the vocabulary; a small one spares 300 MB. */
const SIZES = { ...GPT2_SMALL, width: 96, vocabulary: 512 };

/** Reading and recognising a graph of 12 layers. Shown, not judged: it has no other side to be a ratio of. */
export const parseRecognise: Bench = {
  name: 'parse-recognise',
  run: async () => {
    const files = gpt2Files(SIZES);
    const externals = new Map([[WEIGHTS_FILE, files.weights]]);
    let [nodes, layers] = [0, 0];
    const open = (): void => {
      const { model, weights } = collectWeights(readModel(files.model, 'model.onnx'), externals);
      nodes = model.graph.nodes.length;
      layers = recognise(model, weights).towers[0]?.layers ?? 0;
    };
    const first = await timed(open);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      times.push(await timed(open));
    }
    if (layers !== SIZES.layers) {
      throw new Error(`the recogniser found ${layers} layers, the graph has ${SIZES.layers}`);
    }
    return atMost({
      name: 'parse-recognise',
      value: quantile(times, 0.5),
      unit: 'ms',
      target: null,
      detail: `${nodes} nodes, ${(files.model.length / 1e6).toFixed(2)} MB; first ${first.toFixed(0)} ms, then median of ${ROUNDS}, quartiles ${[0.25, 0.75].map(q => quantile(times, q).toFixed(0)).join('–')} ms`
    });
  }
};
