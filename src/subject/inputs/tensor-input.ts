import type { Tower } from '../../anatomy/anatomy';
import { isContent } from '../../anatomy/certificate/row-input';
import type { Tensor } from '../../onnx/tensor';
import { checkFeeds } from './check-feeds';
import type { Feedable } from './feeds';
import { nearest } from '../near-names';
import type { TensorInput } from '../subject';

export interface TensorInputParts {
  readonly tower: Tower;
  readonly inputs: readonly Feedable[];
  /** The model's label in errors. */
  readonly label: string;
}

/** Most places of a row: nobody studies longer ones, and lists are made of them. */
const MOST_PLACES = 65536;

/**
 * What a forward takes for tensors that are read instead of ids: the places of their tokens in the stead of ids, labels of these
 * places, and the tensors. Refuses a model that reads ids, a tensor that is missing or is no input, and wrong types and sizes.
 * `source`: the file's name in errors.
 */
export const tensorInput = (
  { tower, inputs, label }: TensorInputParts,
  tensors: ReadonlyMap<string, Tensor>,
  source: string
): TensorInput => {
  const input = inputs.find(isContent);
  if (!input || !tower.content) {
    throw new Error(`input differs: '${label}' reads ids, so give text or ids instead of '${source}'`);
  }
  const unknown = [...tensors.keys()].find(name => !inputs.some(other => other.name === name));
  if (unknown !== undefined) {
    const names = inputs.map(({ name }) => name);
    throw new Error(
      `input unknown: '${unknown}' of '${source}' is not an input of '${label}'${nearest(unknown, names) || ` (inputs: ${names.slice(0, 8).join(', ')})`}`
    );
  }
  const tensor = tensors.get(input.name);
  if (!tensor) {
    throw new Error(
      `input missing: '${source}' has no tensor '${input.name}' [${input.shape.join(', ')}] for '${label}'`
    );
  }
  const [rows, second = 0] = tensor.dims;
  const length = tower.content.length ?? second;
  if (tensor.data.length === 0 || length > MOST_PLACES) {
    throw new Error(`input malformed: '${input.name}' of '${source}' is [${tensor.dims.join(', ')}]`);
  }
  const row = Array.from({ length }, (_, place) => place);
  const ids = Array.from({ length: rows }, () => row);
  const feeds = Object.fromEntries(tensors);
  checkFeeds(inputs, feeds, ids);
  return { ids, labels: placeLabels(tower, length), feeds };
};

/** '[CLS]' and '[DIST]' for the tokens before the patches, 'r3c5' for the patch in row 3 and column 5, counted from 0; else the place. */
export const placeLabels = ({ content }: Tower, length: number): readonly string[] => {
  const { grid, leading = 0 } = content?.patches ?? {};
  return Array.from({ length }, (_, place) => {
    if (!grid) {
      return String(place);
    }
    const patch = place - leading;
    return patch < 0 ? (LEADING[place] ?? `[REG${place}]`) : `r${Math.floor(patch / grid[1])}c${patch % grid[1]}`;
  });
};

const LEADING = ['[CLS]', '[DIST]'];
