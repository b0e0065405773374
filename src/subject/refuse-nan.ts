import type { Anatomy } from '../anatomy/anatomy';
import type { Certificate } from '../anatomy/certificate/certificate';
import { toFloat32 } from '../onnx/decode-tensor';
import type { Model } from '../onnx/model';
import type { Tensor } from '../onnx/tensor';
import { hookBytes, type RequestSizes } from './cost';
import type { ServedHook } from './hook-names';

/** Gives the values of some hooks in the same run. */
type Read = (hooks: readonly ServedHook[]) => Promise<readonly Tensor[]>;

interface Where {
  readonly model: Model;
  readonly anatomy: Anatomy;
  readonly certificate: Certificate;
  readonly sizes: RequestSizes;
}

/** Throws where an output or a hook that was asked for holds NaN, and names the first hook, in the order of computation, that has it. */
export const refuseNaN = async (tensors: ReadonlyMap<string, Tensor>, where: Where, read: Read): Promise<void> => {
  for (const [name, tensor] of tensors) {
    const place = nanAt(tensor);
    if (place !== undefined) {
      const row = Math.floor(place / (tensor.data.length / (tensor.dims[0] || 1)));
      const first = seenBefore(where) ?? (await firstHook(where, read));
      const cause = first === undefined ? 'no hook before it has any' : `the first hook that has it is '${first}'`;
      const kind = where.model.graph.outputs.some(output => output.name === name) ? 'output' : 'hook';
      throw new Error(`${kind} NaN: '${name}' [${tensor.dims.join(', ')}] has NaN in row ${row}, ${cause}`);
    }
  }
};

const nanAt = (tensor: Tensor): number | undefined => {
  if (!tensor.type.startsWith('float')) {
    return undefined;
  }
  const data = toFloat32(tensor);
  // A sum keeps it: `findIndex` takes ten times as long.
  let sum = 0;
  for (let at = 0; at < data.length; at++) {
    sum += data[at];
  }
  // Infinities of both signs make it, too.
  const place = Number.isNaN(sum) ? data.findIndex(value => Number.isNaN(value)) : -1;
  return place < 0 ? undefined : place;
};

/** Where the probe had it too: such hooks are not served any more. */
const seenBefore = ({ certificate }: Where): string | undefined =>
  certificate.identities.find(({ name }) => name === 'hooks-are-finite')?.fails?.[0];

const CHUNK_BYTES = 2 ** 26;

/** Read some at a time, the earliest first. */
const firstHook = async ({ model, anatomy, sizes }: Where, read: Read): Promise<string | undefined> => {
  const made = new Map(model.graph.nodes.flatMap(({ outputs }, at) => outputs.map(name => [name, at] as const)));
  const order = ({ source }: ServedHook): number => made.get(source.tensor) ?? -1;
  const hooks = anatomy.hooks
    .filter((hook): hook is ServedHook => hook.source !== undefined && hook.status !== 'unavailable')
    .filter(({ source }) => source.steps.every(({ op }) => op !== 'normalise'))
    .sort((a, b) => order(a) - order(b));
  for (let at = 0; at < hooks.length;) {
    const most = Math.max(1, Math.floor(CHUNK_BYTES / Math.max(1, hookBytes(hooks[at], sizes))));
    const some = hooks.slice(at, at + most);
    const values = await read(some);
    const found = values.findIndex(tensor => nanAt(tensor) !== undefined);
    if (found >= 0) {
      return some[found].name;
    }
    at += some.length;
  }
  return undefined;
};
