import { intsAttribute } from '../../anatomy/attributes';
import type { Model } from '../../onnx/model';
import { imageSize } from '../opening/image-config';
import { pinFrames } from './frame-sizes';
import type { Dims, Pinned } from './pinned';
import { convolutionOf, isFloat } from './first-convolution';

/** What the files beside the model say. */
export interface FolderConfig {
  readonly config?: unknown;
  readonly preprocessor?: unknown;
}

/**
 * The model with the sizes of its images fixed, as the graph's own shapes then tell all others. `given`: dims of tensors to be fed, by
 * the inputs' names; else the graph's numbers, a table of positions that is added as it is, preprocessor_config.json, config.json, else 14 × 14 patches.
 */
export const pinContent = (
  model: Model,
  folder: FolderConfig,
  given: ReadonlyMap<string, Dims> = new Map()
): Pinned => {
  const found = model.graph.inputs.flatMap(({ name, type }) => {
    const conv = type?.shape?.length === 4 && isFloat(type.elementType) ? convolution(model, name) : undefined;
    return conv && type?.shape ? [{ name, shape: type.shape, conv }] : [];
  });
  if (found.length !== 1) {
    return pinFrames(model, given) ?? { model };
  }
  const [{ name, shape, conv }] = found;
  const [batch, , ...open] = shape;
  const own = given.get(name);
  const square = open.every(size => typeof size === 'number')
    ? { size: open as number[], from: 'the graph' }
    : own?.length === 4
      ? { size: own.slice(2) as number[], from: 'the tensors given' }
      : chosen(model, conv, folder);
  const pinned = [
    batch,
    conv.channels,
    ...open.map((size, axis) => (typeof size === 'number' ? size : square.size[axis]))
  ];
  const inputs = model.graph.inputs.map(input =>
    input.name === name && input.type ? { ...input, type: { ...input.type, shape: pinned } } : input
  );
  return {
    model: { ...model, graph: { ...model.graph, inputs } },
    sizes: { input: name, shape: pinned, from: square.from }
  };
};

export interface Convolution {
  readonly filters: number;
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly output: string;
}

/** The one that reads the input, perhaps behind Casts. */
const convolution = (model: Model, input: string): Convolution | undefined => {
  const { conv, dims } = convolutionOf(model, input) ?? {};
  if (!conv || dims?.length !== 4) {
    return undefined;
  }
  const [filters, channels, ...kernel] = dims;
  return { filters, channels, kernel, strides: intsAttribute(conv, 'strides') ?? [1, 1], output: conv.outputs[0] };
};

interface Chosen {
  readonly size: readonly number[];
  readonly from: string;
}

/** As 224 × 224 pixels in patches of 16 are. */
const DEFAULT_SIDE = 14;

/** An image of so many patches down and across. */
const sized = ({ kernel, strides }: Convolution, side: number): readonly number[] =>
  kernel.map((window, axis) => (side - 1) * strides[axis] + window);

/** Class token, distillation token, registers. */
const MOST_LEADING = 8;

const chosen = (model: Model, conv: Convolution, folder: FolderConfig): Chosen => {
  const files = [
    [folder.preprocessor, 'preprocessor_config.json'],
    [folder.config, 'config.json']
  ] as const;
  const said = files.flatMap(([config, from]): readonly Chosen[] => {
    const size = imageSize(config);
    return size ? [{ size, from }] : [];
  });
  const rows = model.graph.nodes.some(({ opType }) => opType === 'Resize') ? undefined : positionRows(model, conv);
  if (rows === undefined) {
    return (
      said[0] ?? {
        size: sized(conv, DEFAULT_SIDE),
        from: `no file: ${DEFAULT_SIDE} × ${DEFAULT_SIDE} patches by default`
      }
    );
  }
  const fits = ({ size }: Chosen): boolean => {
    const patches = size.map((pixels, axis) => Math.floor((pixels - conv.kernel[axis]) / conv.strides[axis]) + 1);
    const leading = rows - patches[0] * patches[1];
    return leading >= 0 && leading <= MOST_LEADING;
  };
  return said.find(fits) ?? { size: sized(conv, Math.floor(Math.sqrt(rows))), from: 'the table of positions' };
};

/** What tokens pass between the convolution and the first norm. */
const PASSED = new Set(
  'Add Cast Concat DequantizeLinear Flatten Identity Mul QuantizeLinear Reshape Squeeze Transpose'.split(' ')
);
const MOST_PASSED = 16;
const PICKED = new Set(['Cast', 'DequantizeLinear', 'Gather', 'Mul', 'Sub']);

/** Rows of the one table as wide as the convolution has filters that is added to its tokens: [1, n, width], or [n, width] that rows are picked of. */
const positionRows = ({ graph }: Model, { filters, output }: Convolution): number | undefined => {
  const tokens = new Set([output]);
  const added = new Set<string>();
  for (const node of graph.nodes.filter(({ opType }) => PASSED.has(opType))) {
    if (tokens.size < MOST_PASSED && node.inputs.some(input => tokens.has(input))) {
      node.outputs.forEach(name => tokens.add(name));
      if (node.opType === 'Add') {
        node.inputs.forEach(name => added.add(name));
      }
    }
  }
  // Rows may be picked of the table, and dequantised, before they are added.
  for (const node of [...graph.nodes].reverse()) {
    if (PICKED.has(node.opType) && added.has(node.outputs[0])) {
      added.add(node.inputs[0]);
    }
  }
  const tables = graph.initializers.filter(
    ({ name, dims }) =>
      added.has(name) && dims.at(-1) === filters && (dims.length === 2 || (dims.length === 3 && dims[0] === 1))
  );
  const rows = [...new Set(tables.map(({ dims }) => dims[dims.length - 2]).filter(count => count > 1))];
  return rows.length === 1 ? rows[0] : undefined;
};
