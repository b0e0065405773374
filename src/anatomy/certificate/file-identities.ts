import { numbersOf } from '../../onnx/numbers';
import type { Hook } from '../anatomy';
import type { FileContext, Found } from './identity';
import { isSampled } from './sampling';

/** Every captured hook has its documented shape. */
export const shapes = (file: FileContext): readonly Found[] => {
  const { anatomy, captured } = file;
  const wrong = anatomy.hooks.flatMap((hook): readonly Found[] => {
    const { name, shape } = hook;
    const sizes = sizesOf(file, hook);
    const dims = captured.hooks.get(name)?.dims;
    const fits = !dims || dims.join() === shape.map(size => (typeof size === 'number' ? size : sizes[size])).join();
    return fits ? [] : [{ at: name, hooks: [name], outcome: 1, because: `'${name}' has shape [${dims.join(', ')}]` }];
  });
  return wrong.length > 0 ? wrong : [{ at: 'model', outcome: 0 }];
};

/** Of the run, for a hook's named axes. Keys of a pattern are where the block's keys are. */
const sizesOf = ({ anatomy, probe, others, sampling }: FileContext, hook: Hook): Readonly<Record<string, number>> => {
  const { positions, keyPositions } = hook;
  const lengthAt = (input: string | undefined): number => (others[input ?? ''] ?? probe)[0].length;
  const pos = sampling && isSampled(anatomy, sampling, hook) ? sampling.places.length : lengthAt(positions);
  return { batch: probe.length, pos, query_pos: pos, key_pos: lengthAt(keyPositions ?? positions) };
};

/** Every captured hook holds numbers. */
export const finite = ({ strange }: FileContext): readonly Found[] =>
  strange.size > 0
    ? [...strange].map(([name, what]) => ({
        at: name,
        hooks: [name],
        outcome: Infinity,
        because: `'${name}' has ${what}`
      }))
    : [{ at: 'model', outcome: 0 }];

/** Every output of the file is the same from the observed model; their rounding is that of all that was computed before. */
export const outputsUnchanged = ({ anatomy, captured: { bare, observed } }: FileContext): readonly Found[] => {
  const tensors = anatomy.hooks.flatMap(({ source }) => source?.tensor ?? []);
  return [...bare].flatMap(([name, file]) => {
    const other = observed.get(name);
    // A past that is as empty as the model has none to compare.
    return other && file.data.length + other.data.length > 0
      ? [
          {
            at: `output '${name}'`,
            tensors: [name, ...tensors],
            outcome: { file: numbersOf(file), computed: numbersOf(other) }
          }
        ]
      : [];
  });
};
