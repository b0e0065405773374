import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Anatomy, Attention, Block } from '../../src/anatomy/anatomy';
import type { Captured } from '../../src/anatomy/certificate/captured';
import { recognise } from '../../src/anatomy/recognise';
import { collectWeights } from '../../src/onnx/collect-weights';
import type { Model } from '../../src/onnx/model';
import { readModel } from '../../src/onnx/read-model';
import type { Tensor } from '../../src/onnx/tensor';
import type { Weights } from '../../src/onnx/weights';
import { capture, judged } from './certificate';

/** One file that holds encoder and decoder: norms in front of the parts (T5), and behind the sums (BART). */
const FAMILIES = ['t5', 'bart'] as const;
type Family = (typeof FAMILIES)[number];

interface File {
  readonly model: Model;
  readonly weights: Weights;
  readonly anatomy: Anatomy;
  readonly captured: Captured;
}

const files = new Map<Family, File>();
beforeAll(async () => {
  for (const family of FAMILIES) {
    const path = join(__dirname, `../fixtures/matrix/${family}/torchscript.onnx.gz`);
    const { model, weights } = collectWeights(readModel(gunzipSync(readFileSync(path)), family), new Map());
    const anatomy = recognise(model, weights);
    files.set(family, { model, weights, anatomy, captured: await capture(model, weights, anatomy) });
  }
});

test.each(FAMILIES)('%s: as it is, all holds', family => {
  const { model, weights, anatomy, captured } = files.get(family)!;
  const { certificate } = judged(model, weights, anatomy, captured);
  expect(certificate.identities.flatMap(({ name, fails = [] }) => fails.map(at => `${name} at ${at}`))).toEqual([]);
  const places = certificate.identities.flatMap(({ places = [] }) => places.map(({ at }) => at));
  expect(places).toEqual(
    expect.arrayContaining(['encoder.blocks.1', 'decoder.blocks.1', 'decoder.blocks.1.cross_attn'])
  );
});

type Change = (file: File) => File;

const CROSS = 'decoder.blocks.0.cross_attn.';

const withHooks = (file: File, change: (name: string, tensor: Tensor) => Tensor): File => ({
  ...file,
  captured: {
    ...file.captured,
    hooks: new Map([...file.captured.hooks].map(([name, tensor]) => [name, change(name, tensor)]))
  }
});

/** What hooks show, by what other ones show. */
const shows =
  (names: Readonly<Record<string, string>>): Change =>
  file =>
    withHooks(file, (name, tensor) => file.captured.hooks.get(names[name] ?? name) ?? tensor);

const swapped = (a: string, b: string): Change => shows({ [a]: b, [b]: a });

const withCross =
  (change: (cross: Attention, block: Block, all: readonly Block[]) => Attention): Change =>
  file => ({
    ...file,
    anatomy: {
      ...file.anatomy,
      towers: file.anatomy.towers.map(tower => ({
        ...tower,
        blocks: tower.blocks.map((block, i) =>
          i === 0 && block.cross ? { ...block, cross: change(block.cross, block, tower.blocks) } : block
        )
      }))
    }
  });

/** Keys of the other row of the batch, of a pattern or of scores. */
const otherRow = ({ dims, type, data }: Tensor): Tensor => {
  const half = data.length / 2;
  const turned = Float32Array.from(data as Float32Array, (_, i) => Number(data[(i + half) % data.length]));
  return { dims, type, data: turned };
};

const transposed = ({ dims: [batch, heads, queries, keys], type, data }: Tensor): Tensor => ({
  dims: [batch, heads, keys, queries],
  type,
  data: Float32Array.from(data as Float32Array, (_, i) => {
    const [matrix, at] = [Math.floor(i / (queries * keys)), i % (queries * keys)];
    return Number(data[matrix * queries * keys + (at % queries) * keys + Math.floor(at / queries)]);
  })
});

/** Heads in another order: [batch, pos, head, dim] or [batch, head, query, key]. */
const rolled = ({ dims, type, data }: Tensor, axis: number): Tensor => {
  const inner = dims.slice(axis + 1).reduce((size, dim) => size * dim, 1);
  const moved = Float32Array.from(data as Float32Array, (_, i) => {
    const head = Math.floor(i / inner) % dims[axis];
    return Number(data[i + (((head + 1) % dims[axis]) - head) * inner]);
  });
  return { dims, type, data: moved };
};

interface Wrong {
  readonly what: string;
  readonly family: Family;
  readonly change: Change;
  readonly identity: string;
  /** In the first block's cross-attention where nothing else is said. */
  readonly at?: string;
  readonly hook: string;
}

const WRONG: readonly Wrong[] = [
  ...FAMILIES.flatMap((family): readonly Wrong[] => [
    {
      what: 'keys that are values',
      family,
      change: shows({ [`${CROSS}hook_k`]: `${CROSS}hook_v` }),
      identity: 'weights-reproduce-k',
      hook: `${CROSS}hook_k`
    },
    {
      what: 'values that are keys',
      family,
      change: shows({ [`${CROSS}hook_v`]: `${CROSS}hook_k` }),
      identity: 'pattern-times-v-equals-z',
      hook: `${CROSS}hook_v`
    },
    {
      what: 'keys and values exchanged, with their weights',
      family,
      change: file =>
        withCross(cross => ({ ...cross, k: cross.v, v: cross.k }))(swapped(`${CROSS}hook_k`, `${CROSS}hook_v`)(file)),
      identity: 'query-key-products-equal-scores',
      hook: `${CROSS}hook_k`
    },
    {
      what: 'weights of the self-attention’s keys',
      family,
      change: withCross((cross, { attention }) => ({ ...cross, k: attention.k })),
      identity: 'weights-reproduce-k',
      hook: `${CROSS}hook_k`
    },
    {
      what: 'a scale forgotten, or made up',
      family,
      change: withCross(cross => ({ ...cross, scale: cross.scale! * 2 })),
      identity: 'query-key-products-equal-scores',
      hook: `${CROSS}hook_attn_scores`
    },
    {
      what: 'the pattern of the next layer',
      family,
      change: shows({ [`${CROSS}hook_pattern`]: 'decoder.blocks.1.cross_attn.hook_pattern' }),
      identity: 'scores-softmax-equals-pattern',
      hook: `${CROSS}hook_pattern`
    },
    {
      what: 'pattern and scores of the other row of the batch',
      family,
      change: file =>
        withHooks(file, (name, tensor) =>
          name === `${CROSS}hook_pattern` || name === `${CROSS}hook_attn_scores` ? otherRow(tensor) : tensor
        ),
      identity: 'pattern-times-v-equals-z',
      hook: `${CROSS}hook_pattern`
    },
    {
      what: 'the pattern transposed, so that the decoder’s tokens are keys',
      family,
      change: file =>
        withHooks(file, (name, tensor) => (name === `${CROSS}hook_pattern` ? transposed(tensor) : tensor)),
      identity: 'hooks-have-their-shapes',
      at: `${CROSS}hook_pattern`,
      hook: `${CROSS}hook_pattern`
    },
    {
      what: 'heads permuted alike in pattern, scores, queries, keys, values and z',
      family,
      change: file =>
        withHooks(file, (name, tensor) =>
          name.startsWith(CROSS) ? rolled(tensor, /pattern|scores/.test(name) ? 1 : 2) : tensor
        ),
      identity: 'z-reproduces-attn-out',
      hook: `${CROSS}hook_z`
    },
    {
      what: 'W_O of the self-attention',
      family,
      change: withCross((cross, { attention }) => ({ ...cross, o: attention.o })),
      identity: 'z-reproduces-attn-out',
      hook: `${CROSS}hook_z`
    },
    {
      what: 'W_O of the next layer’s cross-attention',
      family,
      change: withCross((cross, _, all) => ({ ...cross, o: all[1].cross!.o })),
      identity: 'z-reproduces-attn-out',
      hook: 'decoder.blocks.0.hook_cross_attn_out'
    },
    {
      what: 'cross-attention’s part that is the self-attention’s',
      family,
      change: shows({ 'decoder.blocks.0.hook_cross_attn_out': 'decoder.blocks.0.hook_attn_out' }),
      identity: 'residual-adds-cross-attn',
      at: 'decoder.blocks.0',
      hook: 'decoder.blocks.0.hook_cross_attn_out'
    },
    {
      what: 'the stream before the cross-attention instead of after it',
      family,
      change: shows({ 'decoder.blocks.0.hook_resid_mid_cross': 'decoder.blocks.0.hook_resid_mid' }),
      identity: 'residual-adds-cross-attn',
      at: 'decoder.blocks.0',
      hook: 'decoder.blocks.0.hook_resid_mid_cross'
    },
    {
      what: 'the stream before the self-attention instead of after it',
      family,
      change: shows({ 'decoder.blocks.0.hook_resid_mid': 'decoder.blocks.0.hook_resid_pre' }),
      identity: 'residual-adds-attn',
      at: 'decoder.blocks.0',
      hook: 'decoder.blocks.0.hook_resid_mid'
    },
    {
      what: 'queries that read the norm in front of the self-attention',
      family,
      change: shows({
        'decoder.blocks.0.ln1.hook_out': 'decoder.blocks.0.ln3.hook_out',
        'decoder.blocks.0.ln2.hook_out': 'decoder.blocks.0.ln3.hook_out'
      }),
      identity: 'weights-reproduce-q',
      hook: `${CROSS}hook_q`
    },
    {
      what: 'states of the encoder’s first block instead of its last',
      family,
      change: shows({ 'decoder.hook_encoder_states': 'encoder.blocks.0.hook_resid_post' }),
      identity: 'weights-reproduce-k',
      hook: 'decoder.hook_encoder_states'
    }
  ]),
  {
    what: 'states before the encoder’s last norm',
    family: 't5',
    change: shows({ 'decoder.hook_encoder_states': 'encoder.blocks.1.hook_resid_post' }),
    identity: 'weights-reproduce-v',
    hook: 'decoder.hook_encoder_states'
  }
];

test.each(WRONG.map(wrong => [`${wrong.family}: ${wrong.what}`, wrong] as const))(
  '%s',
  (_, { family, change, identity, at = CROSS.slice(0, -1), hook }) => {
    const { model, weights, anatomy, captured } = change(files.get(family)!);
    const found = judged(model, weights, anatomy, captured);
    const failed = found.certificate.identities.find(({ name }) => name === identity);
    expect({ ...failed, there: failed?.fails?.includes(at) }).toMatchObject({ holds: false, there: true });
    expect(found.anatomy.hooks.find(({ name }) => name === hook)).toMatchObject({
      status: 'unavailable'
    });
  }
);
