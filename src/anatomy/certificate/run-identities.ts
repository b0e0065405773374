import { toFloat64 } from '../../onnx/decode-tensor';
import type { Tensor } from '../../onnx/tensor';
import type { Hook } from '../anatomy';
import type { Padded } from './captured';
import type { FileContext, Found, Sides } from './identity';

/** Below this a score is masked. */
const MASKED = -9e3;
const SCORES = 'attn.hook_attn_scores';
const PATTERN = 'attn.hook_pattern';

/** Each row of a batch is what it is alone. */
export const batchEqualsAlone = (file: FileContext): readonly Found[] =>
  (file.further?.alone ?? []).flatMap((alone, row) =>
    perHook(file, ({ name }) => {
      const [whole, one] = [file.captured.hooks.get(name), alone.get(name)];
      const size = one?.data.length ?? 0;
      return whole && one && sides(name, toFloat64(whole).subarray(row * size, (row + 1) * size), toFloat64(one));
    })
  );

/** A row is the same among padding that the mask hides; nothing looks at the padding. */
export const padding =
  (side: Padded['side']) =>
  (file: FileContext): readonly Found[] =>
    (file.further?.padded ?? [])
      .filter(padded => padded.side === side && comparable(file, padded))
      .flatMap(padded =>
        perHook(file, hook => (excused(file, padded, hook) ? undefined : amongPadding(file, padded, hook)))
      );

const amongPadding = (file: FileContext, { hooks, start }: Padded, hook: Hook): Sides | undefined => {
  const { name } = hook;
  const [whole, padded] = [file.captured.hooks.get(name), hooks.get(name)];
  const length = file.probe[0].length;
  const dims = paddedAxes(file, hook);
  if (!whole || !padded || !hook.dims.some(axis => POSITIONS.has(axis))) {
    return undefined;
  }
  const own = window(padded, dims, start, length);
  const first = toFloat64(whole).subarray(0, own.length);
  if (!name.endsWith(PATTERN) && !name.endsWith(SCORES)) {
    return sides(name, first, own);
  }
  const queries = window(
    padded,
    dims.map(axis => (axis === 'key_pos' ? '' : axis)),
    start,
    length
  );
  const looks = name.endsWith(PATTERN) ? total : open;
  return sides(name, Float64Array.of(...first, looks(own)), Float64Array.of(...own, looks(queries)));
};

/** Names of the axes; of another sequence, which is not padded, positions go by another name. */
const paddedAxes = ({ others }: FileContext, { dims, positions, keyPositions }: Hook): readonly string[] => {
  const aside = (input: string | undefined): boolean => input !== undefined && input in others;
  return dims.map(axis =>
    POSITIONS.has(axis) && aside(axis === 'key_pos' ? (keyPositions ?? positions) : positions) ? 'aside' : axis
  );
};

/** A pattern's sum, which is less than it was where some of it falls on padding. */
const total = (x: Float64Array): number => x.reduce((sum, value) => sum + value, 0);

/** How many scores are not masked: none more among padding. */
const open = (x: Float64Array): number => x.filter(value => value > MASKED).length;

const POSITIONS: ReadonlySet<string> = new Set(['pos', 'query_pos', 'key_pos']);

/** The positions from `start` on, of the axes that are positions. */
const window = ({ dims, data }: Tensor, axes: readonly string[], start: number, length: number): Float64Array => {
  const kept = dims.map((size, axis) =>
    POSITIONS.has(axes[axis]) ? ([start, start + length] as const) : ([0, size] as const)
  );
  const out: number[] = [];
  for (let i = 0; i < data.length; i++) {
    let rest = i;
    let inside = true;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const at = rest % dims[axis];
      inside &&= at >= kept[axis][0] && at < kept[axis][1];
      rest = Math.floor(rest / dims[axis]);
    }
    if (inside) {
      out.push(Number(data[i]));
    }
  }
  return Float64Array.from(out);
};

/** Where positions are counted from the start of the row, and embedded, padding in front changes all: that is no fault. */
const comparable = (file: FileContext, padded: Padded): boolean => {
  if (padded.side === 'right' || padded.positionsFed) {
    return true;
  }
  const { towers, hooks } = file.anatomy;
  const counted = towers.some(({ positional }) => positional === 'learned' || positional === 'sinusoidal');
  const unclear = towers.some(({ embedding }) => embedding === undefined || embedding.strange.length > 0);
  const hook = hooks.find(({ name }) => name.endsWith('hook_pos_embed'));
  const found = hook && amongPadding(file, padded, hook);
  return found ? found.file.every((value, i) => value === found.computed[i]) : !counted && !unclear;
};

/** Rotations and biases of position begin elsewhere, and cancel in the pattern. */
const excused = ({ anatomy }: FileContext, { side, positionsFed }: Padded, { name }: Hook): boolean =>
  side === 'left' &&
  !positionsFed &&
  (name.includes('hook_rot_') ||
    (name.endsWith(SCORES) && anatomy.towers.some(({ positional }) => positional === 'alibi')));

/** The blocks read the ids by the stream alone: with other ids and the same stream, all is the same. */
export const restarted = (file: FileContext): readonly Found[] => {
  const again = file.further?.restarted;
  const found = perHook(file, ({ name }) => {
    const [whole, other] = [file.captured.hooks.get(name), again?.get(name)];
    return name.includes('blocks.') && whole && other ? sides(name, toFloat64(whole), toFloat64(other)) : undefined;
  });
  // No hook is wrong for it: what it rules out is a run that starts from the stream.
  return found.map(one => ({ ...one, hooks: [] }));
};

const sides = (name: string, file: Float64Array, computed: Float64Array): Sides => ({
  file,
  computed,
  ...(name.endsWith(SCORES) && { where: i => file[i] > MASKED || computed[i] > MASKED })
});

/** Each served hook by itself; rounding is that of all that was computed before. */
const perHook = ({ anatomy }: FileContext, compare: (hook: Hook) => Sides | undefined): readonly Found[] => {
  const tensors = anatomy.hooks.flatMap(({ source }) => source?.tensor ?? []);
  return anatomy.hooks.flatMap(hook => {
    const outcome = hook.source && compare(hook);
    return outcome ? [{ at: hook.name, hooks: [hook.name], tensors, outcome }] : [];
  });
};
