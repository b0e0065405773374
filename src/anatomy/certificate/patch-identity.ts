import { toFloat64 } from '../../onnx/decode-tensor';
import type { Numbers } from '../../onnx/numbers';
import type { Tensor } from '../../onnx/tensor';
import type { Patches } from '../anatomy';
import type { CheckContext, Outcome, Sides } from './identity';
import type { Matrix, ReadMatrix } from './layer-maths';
import { roundActivations } from './round-activations';
import { boundOn, roundOn } from './rounding';

/** Patches of each image that the quick certificate multiplies: a wrong weight, step or order shows in any. */
const QUICK_PATCHES = 8;

/**
 * hook_embed from the fed pixels and the file's bytes: first the constant tokens, then, patch by patch from left to right and from top to
 * bottom, Σ W[d, c, y, x] · pixel[c, row · stride + y − pad, column · stride + x − pad] + b.
 */
export const patchEmbedding = ({ tower, hook, read, fed, whole, probe, route: between }: CheckContext): Outcome => {
  const embed = hook('hook_embed');
  const { patches, input, kind } = tower.content ?? {};
  const pixels = input === undefined ? undefined : fed(input);
  if (!embed || !pixels || kind !== 'pixels') {
    return undefined;
  }
  const stored = patches && storedParts(patches, read);
  if (!stored) {
    return patches
      ? 'its convolution is not stored as plain numbers'
      : 'its pixels become tokens by more than one convolution';
  }
  const [, positions, width] = embed.dims;
  const count = positions - stored.tokens.length / width;
  if (
    stored.weight.dims.length !== 4 ||
    stored.weight.dims[0] !== width ||
    count !== patches.grid[0] * patches.grid[1]
  ) {
    return `its convolution is [${stored.weight.dims.join(', ')}] over ${patches.grid.join(' × ')} patches, the stream ${positions} positions of ${width}`;
  }
  // A file that rounds by the run runs each image by itself.
  const route = between(input!, 'hook_embed', 'product');
  if (typeof route === 'string') {
    return route;
  }
  const given = patches.rounds ? roundActivations(toFloat64(pixels), probe.length) : toFloat64(pixels);
  const image = roundOn(given, route?.before);
  const sides = compared(embed, { ...stored, patches, pixels, image }, whole ? count : QUICK_PATCHES);
  const { y, slack } = boundOn(sides.computed, route?.after);
  // Constant tokens come to the stream by ways of their own.
  const others = patches.before.map(token =>
    token === undefined ? undefined : between(token, 'hook_embed', 'product')
  );
  const slacks = others.map(other => (typeof other === 'object' ? boundOn(NONE, other.before).slack : 0));
  return { ...sides, computed: y, slack: Math.max(slack, ...slacks) };
};

const NONE = new Float64Array(0);

interface Stored {
  readonly weight: Matrix;
  readonly bias: Matrix | undefined;
  /** Of the tokens before the patches, one after another. */
  readonly tokens: readonly number[];
}

const storedParts = ({ weight, bias, before }: Patches, read: ReadMatrix): Stored | undefined => {
  const [w, b, ...tokens] = [weight, bias, ...before].map(name => (name === undefined ? undefined : read(name)));
  return w && (b || bias === undefined) && tokens.every(token => token !== undefined)
    ? { weight: w, bias: b, tokens: tokens.flatMap(({ data }) => Array.from(data)) }
    : undefined;
};

interface Image extends Stored {
  readonly patches: Patches;
  readonly pixels: Tensor;
  readonly image: Numbers;
}

/** The constant tokens and, of each image, `most` patches from the first to the last. */
const compared = ({ dims, data }: Tensor, image: Image, most: number): Sides & { readonly computed: Float64Array } => {
  const [rows, positions, width] = dims;
  const leading = image.tokens.length / width;
  const last = positions - leading - 1;
  const steps = Math.min(last, most - 1);
  const picked = Array.from({ length: steps + 1 }, (_, i) => Math.round((i * last) / Math.max(1, steps)));
  const file: number[] = [];
  const computed: number[] = [];
  for (let row = 0; row < rows; row++) {
    const start = row * positions * width;
    file.push(...Array.from(data.subarray(start, start + image.tokens.length), Number));
    computed.push(...image.tokens);
    for (const patch of picked) {
      const at = start + (leading + patch) * width;
      file.push(...Array.from(data.subarray(at, at + width), Number));
      computed.push(...product(image, row, patch));
    }
  }
  return { file: Float64Array.from(file), computed: Float64Array.from(computed) };
};

/** One patch times all filters, in float64; what lies outside the image counts as zero. */
const product = ({ pixels, image, patches, weight, bias }: Image, row: number, patch: number): Float64Array => {
  const [, channels, height, width] = pixels.dims;
  const { kernel, strides, pads, grid } = patches;
  const top = Math.floor(patch / grid[1]) * strides[0] - pads[0];
  const left = (patch % grid[1]) * strides[1] - pads[1];
  const size = channels * kernel[0] * kernel[1];
  const out = Float64Array.from({ length: weight.dims[0] }, (_, filter) => bias?.data[filter] ?? 0);
  for (let channel = 0; channel < channels; channel++) {
    for (let y = Math.max(0, -top); y < Math.min(kernel[0], height - top); y++) {
      for (let x = Math.max(0, -left); x < Math.min(kernel[1], width - left); x++) {
        const pixel = image[((row * channels + channel) * height + top + y) * width + left + x];
        const at = (channel * kernel[0] + y) * kernel[1] + x;
        for (let filter = 0; filter < out.length; filter++) {
          out[filter] += pixel * weight.data[filter * size + at];
        }
      }
    }
  }
  return out;
};
