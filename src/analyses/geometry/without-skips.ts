import { matrix, type Matrix } from '../../maths/matrix';
import type { Tensor } from '../../onnx/tensor';
import type { Context } from '../../subject/context';
import type { Intervention } from '../../subject/interventions/interventions';
import type { Subject } from '../../subject/subject';
import { floats } from '../floats';
import { blockHook } from '../hooks';
import { quiet } from '../quiet';

/** Hooks whose values are replaced, of all blocks: one session serves every step. */
export function replacedHooks(subject: Subject): string[] {
  const { blocks } = subject.tower;
  return blocks.flatMap((block, layer) => {
    const normed = block.normalizedResidPost !== undefined;
    const mid = !subject.tower.parallel && (block.mlp !== undefined || normed);
    return [
      'hook_resid_pre',
      ...(mid ? ['hook_resid_mid'] : []),
      ...(block.mlp ? ['hook_mlp_out'] : []),
      ...(normed ? ['hook_resid_post'] : [])
    ].map(name => blockHook(subject, layer, name));
  });
}

/** Hooks that are read besides. */
export const readHooks = (subject: Subject): string[] =>
  subject.tower.blocks.flatMap((block, layer) => [
    blockHook(subject, layer, 'hook_attn_out'),
    ...(block.mlp ? [blockHook(subject, layer, 'hook_mlp_out')] : []),
    ...(block.normalizedResidPost === undefined ? [] : [blockHook(subject, layer, 'hook_normalized_resid_post')])
  ]);

/** Forwards of `visitWithoutSkips`: one for the stream before the first block, and of each block one a part that is fed by itself. */
export function stepsWithoutSkips({ tower: { blocks, parallel } }: Subject, mlps: boolean): number {
  return blocks.reduce((sum, block) => {
    const mlp = mlps && block.mlp !== undefined;
    const norm = block.normalizedResidPost !== undefined && !parallel;
    return sum + 1 + Number(mlp && !parallel) + Number(norm);
  }, 1);
}

/**
 * The stream [position, d_model] before the first block, and after each one where nothing passes by attention and MLP: X' = MLP(attention(X)), of
 * parallel blocks attention(X) + MLP(X), without MLPs attention(X). Norms stay where the file has them. Each step is a run of the whole model in
 * which the block's input is set, so that it is exact.
 */
export async function visitWithoutSkips(
  subject: Subject,
  ids: readonly number[],
  mlps: boolean,
  context: Context,
  visit: (place: number, stream: Matrix) => void
): Promise<void> {
  const run = runner(subject, ids, context);
  const first = blockHook(subject, 0, 'hook_resid_pre');
  let [stream] = await run({}, [first]);
  visit(0, asMatrix(stream, ids.length));
  for (const layer of subject.tower.blocks.keys()) {
    context.progress({
      done: layer,
      total: subject.tower.layers,
      label: `block ${layer + 1} of ${subject.tower.layers}`
    });
    stream = await throughBlock(subject, layer, stream, mlps, run);
    visit(layer + 1, asMatrix(stream, ids.length));
  }
}

type Run = (set: Readonly<Record<string, Tensor | 'zero'>>, read: readonly string[]) => Promise<Tensor[]>;

async function throughBlock(subject: Subject, layer: number, stream: Tensor, mlps: boolean, run: Run): Promise<Tensor> {
  const block = subject.tower.blocks[layer];
  const [pre, mid, post, attention, mlp, normed] = [
    'hook_resid_pre',
    'hook_resid_mid',
    'hook_resid_post',
    'hook_attn_out',
    'hook_mlp_out',
    'hook_normalized_resid_post'
  ].map(name => blockHook(subject, layer, name));
  const hasMlp = mlps && block.mlp !== undefined;
  const set = { [pre]: stream };
  if (subject.tower.parallel && hasMlp) {
    return sum(await run(set, [attention, mlp]));
  }
  const [written] = await run(set, [attention]);
  if (block.normalizedResidPost !== undefined && !subject.tower.parallel) {
    const half = { ...set, [mid]: written };
    const whole = hasMlp
      ? { ...half, [post]: (await run(half, [mlp]))[0] }
      : { ...half, ...(block.mlp && { [mlp]: 'zero' as const }) };
    return (await run(whole, [normed]))[0];
  }
  return hasMlp ? (await run({ ...set, [mid]: written }, [mlp]))[0] : written;
}

function runner(subject: Subject, ids: readonly number[], context: Context): Run {
  const sites = replacedHooks(subject);
  return async (set, read) => {
    context.signal.throwIfAborted();
    // A scale of 1 leaves every number as it is.
    const list = sites.map((hook): Intervention => {
      const value = set[hook];
      return value === undefined
        ? { hook, op: 'scale', value: 1 }
        : value === 'zero'
          ? { hook, op: 'zero' }
          : { hook, op: 'set', value };
    });
    const cache = await subject.forward({ ids: [ids], hooks: read, interventions: { list } }, quiet(context));
    return read.map(name => cache.get(name));
  };
}

const sum = ([a, b]: readonly Tensor[]): Tensor => {
  const other = floats(b, 'hook_mlp_out');
  return { ...a, data: floats(a, 'hook_attn_out').map((value, at) => value + other[at]) };
};

const asMatrix = (tensor: Tensor, length: number): Matrix => {
  const values = floats(tensor, 'stream');
  return matrix(length, values.length / length, values);
};
