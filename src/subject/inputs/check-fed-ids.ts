import type { Anatomy, Tower } from '../../anatomy/anatomy';
import type { Tensor } from '../../onnx/tensor';

/** Refuses ids, fed as a tensor to a tower beside the one that a run's rows are of, that are none, too many, or not in its vocabulary. */
export const checkFedIds = ({ towers }: Pick<Anatomy, 'towers'>, feeds: Readonly<Record<string, Tensor>>): void => {
  for (const tower of towers) {
    const name = tower.embedding?.ids;
    const fed = name === undefined ? undefined : feeds[name];
    if (name !== undefined && fed) {
      check(tower, name, fed);
    }
  }
};

const check = ({ name: tower, embedding, maxPositions }: Tower, name: string, { dims, data }: Tensor): void => {
  const length = dims.at(-1) ?? 0;
  if (data.length === 0) {
    throw new Error(`ids empty: '${name}' is [${dims.join(', ')}], no token to run`);
  }
  if (maxPositions !== null && length > maxPositions) {
    throw new Error(`ids too long: '${name}' has ${length}, the ${tower} has ${maxPositions} positions`);
  }
  const { rows } = embedding!;
  const at = Array.from<number | bigint, number>(data, Number).findIndex(id => id < 0 || id >= rows);
  if (at >= 0) {
    throw new Error(
      `id out of vocabulary: ${data[at]} at position ${at % length} of '${name}', the ${tower}'s ids are 0 to ${rows - 1}`
    );
  }
};
