import { erf } from './erf';
import { toFloat64 } from '../../onnx/decode-tensor';
import type { Stem, StemLayer } from '../anatomy';
import type { CheckContext, Outcome } from './identity';
import type { Matrix, ReadMatrix } from './layer-maths';

/** Tokens of each row that the quick certificate computes, from the first to the last. */
const QUICK_TOKENS = 8;

/** hook_embed from the fed features and the file's bytes: at each layer f(Σ W[d, c, w] · x[c, stride · t + w − pad] + b). */
export const stemEmbedding = ({ tower, hook, read, fed, whole, places }: CheckContext): Outcome => {
  const embed = hook('hook_embed');
  const { stem, input, kind } = tower.content ?? {};
  const features = input === undefined ? undefined : fed(input);
  if (!embed || !features || kind !== 'features') {
    return undefined;
  }
  const layers = stem && storedLayers(stem, read);
  if (!layers) {
    return 'its features become tokens by more than plain convolutions and GELUs';
  }
  const [rows, positions, width] = embed.dims;
  const file = toFloat64(embed);
  const picked = some(positions, whole ? positions : QUICK_TOKENS);
  const frames = features.dims[2];
  const x = toFloat64(features);
  const sides = Array.from({ length: rows }, (_, row) => {
    const size = x.length / rows;
    const column = columns(layers, x.subarray(row * size, (row + 1) * size), frames);
    return picked.map(at => ({
      file: file.subarray((row * positions + at) * width, (row * positions + at + 1) * width),
      computed: column(layers.length, places?.[at] ?? at)
    }));
  }).flat();
  return sides.some(({ computed }) => computed.length !== width)
    ? `its convolutions make ${sides[0].computed.length} channels, the stream is ${width} wide`
    : { file: joined(sides.map(side => side.file)), computed: joined(sides.map(side => side.computed)) };
};

const some = (count: number, most: number): readonly number[] => {
  const steps = Math.min(count, most) - 1;
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, steps)));
};

const joined = (parts: readonly Float64Array[]): Float64Array => Float64Array.from(parts.flatMap(part => [...part]));

interface Stored extends Pick<StemLayer, 'stride' | 'pad'> {
  readonly weight: Matrix;
  readonly bias: Matrix | undefined;
}

const storedLayers = ({ layers }: Stem, read: ReadMatrix): readonly Stored[] | undefined => {
  const stored = layers.flatMap(({ weight, bias, curve, stride, pad }) => {
    const [w, b] = [read(weight), bias === undefined ? undefined : read(bias)];
    return w && (b || bias === undefined) && curve === 'gelu' ? [{ weight: w, bias: b, stride, pad }] : [];
  });
  return stored.length === layers.length ? stored : undefined;
};

/** The channels at a place behind so many layers; those that others share are computed once. */
const columns = (
  layers: readonly Stored[],
  x: Float64Array,
  frames: number
): ((depth: number, at: number) => Float64Array) => {
  const known = new Map<string, Float64Array>();
  const lengths = [frames];
  for (const { weight, stride, pad } of layers) {
    lengths.push(Math.floor((lengths[lengths.length - 1] + 2 * pad - weight.dims[2]) / stride) + 1);
  }
  const column = (depth: number, at: number): Float64Array => {
    if (depth === 0) {
      return Float64Array.from({ length: x.length / frames }, (_, channel) => x[channel * frames + at]);
    }
    const key = `${depth} ${at}`;
    const made =
      known.get(key) ?? layerColumn(layers[depth - 1], at, lengths[depth - 1], place => column(depth - 1, place));
    known.set(key, made);
    return made;
  };
  return column;
};

const layerColumn = (
  { weight: { dims, data }, bias, stride, pad }: Stored,
  at: number,
  length: number,
  before: (at: number) => Float64Array
): Float64Array => {
  const [filters, channels, window] = dims;
  const out = Float64Array.from({ length: filters }, (_, filter) => bias?.data[filter] ?? 0);
  for (let w = 0; w < window; w++) {
    const from = stride * at + w - pad;
    const x = from >= 0 && from < length ? before(from) : undefined;
    for (let filter = 0; x && filter < filters; filter++) {
      for (let channel = 0; channel < channels; channel++) {
        out[filter] += data[(filter * channels + channel) * window + w] * x[channel];
      }
    }
  }
  return out.map(gelu);
};

/** ½ x (1 + erf(x / √2)) */
const gelu = (x: number): number => (x / 2) * (1 + erf(x / Math.SQRT2));
