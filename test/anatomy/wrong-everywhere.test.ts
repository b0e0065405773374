import type { Anatomy, Block, Hook } from '../../src/anatomy/anatomy';
import type { Captured } from '../../src/anatomy/certificate/captured';
import { recognise } from '../../src/anatomy/recognise';
import type { Model } from '../../src/onnx/model';
import type { Tensor } from '../../src/onnx/tensor';
import type { Weights } from '../../src/onnx/weights';
import { capture, judged } from './certificate';
import { openMatrixModel, openModel, openQuantised } from './fixtures';

interface File {
  readonly model: Model;
  readonly weights: Weights;
  readonly anatomy: Anatomy;
  readonly captured: Captured;
}

const FILES = { gpt2: 'optimum', llama: 'dynamo', bert: 'torchscript', neox: 'optimum' } as const;
/** Scores with slopes of distance; queries and keys that are normed over all heads at once. */
const MATRIX = { bloom: 'optimum', olmo2: 'optimum' } as const;
/** Weights in blocks of four bits, whose products may round what they read: what that may change is allowed for. */
const QUANTISED = { level4: 'few-llama-level4' } as const;
type Family = keyof typeof FILES | keyof typeof MATRIX | keyof typeof QUANTISED;

const files = new Map<Family, File>();
beforeAll(async () => {
  for (const [family, style] of Object.entries({ ...FILES, ...MATRIX, ...QUANTISED })) {
    const { model, weights } =
      family in FILES
        ? openModel(family, style)
        : family in MATRIX
          ? openMatrixModel(family, style)
          : openQuantised(style);
    const anatomy = recognise(model, weights);
    files.set(family as Family, { model, weights, anatomy, captured: await capture(model, weights, anatomy) });
  }
});

type Change = (file: File) => File;

const withValues = (file: File, change: (name: string, tensor: Tensor) => Tensor): File => ({
  ...file,
  captured: {
    ...file.captured,
    hooks: new Map([...file.captured.hooks].map(([name, tensor]) => [name, change(name, tensor)]))
  }
});

/** What a hook shows, by what another one shows. */
const shows = (file: File, from: (name: string) => string | undefined): File =>
  withValues(file, (name, tensor) => file.captured.hooks.get(from(name) ?? name) ?? tensor);

const withBlock = (file: File, layer: number, change: (block: Block, all: readonly Block[]) => Block): File => ({
  ...file,
  anatomy: {
    ...file.anatomy,
    towers: file.anatomy.towers.map(tower => ({
      ...tower,
      blocks: tower.blocks.map((block, i) => (i === layer ? change(block, tower.blocks) : block))
    }))
  }
});

/** Element `i` of an axis comes from `from(i)`. */
const permuted = ({ dims, type, data }: Tensor, axis: number, from: (at: number) => number): Tensor => {
  const inner = dims.slice(axis + 1).reduce((size, dim) => size * dim, 1);
  const source = data as Float32Array;
  const moved = source.map((_, i) => {
    const at = Math.floor(i / inner) % dims[axis];
    return source[i + (from(at) - at) * inner];
  });
  return { dims, type, data: moved };
};

const transposed = ({ dims, type, data }: Tensor): Tensor => {
  const size = dims[3];
  const source = data as Float32Array;
  const turned = source.map((_, i) => {
    const [row, column] = [Math.floor(i / size) % size, i % size];
    return source[i - row * size - column + column * size + row];
  });
  return { dims, type, data: turned };
};

const inBlock =
  (layer: number, ...ends: readonly string[]) =>
  (name: string): boolean =>
    ends.some(end => name === `blocks.${layer}.${end}`);

const valuesOf = (file: File, chosen: (name: string) => boolean, change: (tensor: Tensor) => Tensor): File =>
  withValues(file, (name, tensor) => (chosen(name) ? change(tensor) : tensor));

const nextHead = (file: File, layer: number, ...names: readonly string[]): File =>
  valuesOf(file, inBlock(layer, ...names), tensor => permuted(tensor, 2, at => (at + 1) % tensor.dims[2]));

/** The other order of the same pairs: halves side by side instead of neighbours. */
const paired = (tensor: Tensor): Tensor => permuted(tensor, 3, at => (at >> 1) + (at % 2) * (tensor.dims[3] >> 1));

/** Another number in the last column of each row. */
const lastColumn = ({ dims, type, data }: Tensor): Tensor => {
  const width = dims[dims.length - 1];
  return { dims, type, data: (data as Float32Array).map((x, i) => (i % width === width - 1 ? x + 0.1 : x)) };
};

/** Scores that fall with the distance by the next head's slope, 2^(−8 (h + 1) / heads), instead of their own. */
const nextSlope = ({ dims, type, data }: Tensor): Tensor => {
  const [, heads, , keys] = dims;
  const slope = (head: number): number => 2 ** ((-8 * (head + 1)) / heads);
  const moved = (data as Float32Array).map((score, i) => {
    const head = Math.floor(i / (dims[2] * keys)) % heads;
    return score + (slope((head + 1) % heads) - slope(head)) * (i % keys);
  });
  return { dims, type, data: moved };
};

const ATTENTION = [
  'hook_q',
  'hook_k',
  'hook_v',
  'hook_rot_q',
  'hook_rot_k',
  'hook_attn_scores',
  'hook_pattern',
  'hook_z'
];

interface Wrong {
  readonly what: string;
  readonly change: Change;
  /** What must fail, and where; nothing fails where it is 'none'. */
  readonly found: Readonly<Partial<Record<Family, string>>>;
  readonly layer: number;
  /** Must not be served afterwards. */
  readonly hook: string;
}

// docs/certificate.md lists these.
const WRONG: readonly Wrong[] = [
  {
    what: 'heads of keys and values in another order',
    change: file => nextHead(file, 0, 'attn.hook_k', 'attn.hook_rot_k', 'attn.hook_v'),
    found: {
      gpt2: 'weights-reproduce-k',
      llama: 'weights-reproduce-k',
      bert: 'weights-reproduce-k',
      bloom: 'weights-reproduce-k',
      olmo2: 'weights-reproduce-k',
      level4: 'weights-reproduce-k'
    },
    layer: 0,
    hook: 'attn.hook_k'
  },
  {
    what: 'key heads that belong to other query heads',
    change: file => nextHead(file, 1, 'attn.hook_k', 'attn.hook_rot_k'),
    found: {
      gpt2: 'query-key-products-equal-scores',
      llama: 'query-key-products-equal-scores',
      bert: 'query-key-products-equal-scores',
      bloom: 'query-key-products-equal-scores',
      olmo2: 'query-key-products-equal-scores'
    },
    layer: 1,
    hook: 'attn.hook_attn_scores'
  },
  {
    what: 'rotated queries and keys in another pairing, both alike',
    change: file => valuesOf(file, inBlock(0, 'attn.hook_rot_q', 'attn.hook_rot_k'), paired),
    found: {
      llama: 'rotation-starts-at-the-first-position',
      neox: 'rotation-starts-at-the-first-position',
      olmo2: 'rotation-starts-at-the-first-position'
    },
    layer: 0,
    hook: 'attn.hook_rot_q'
  },
  {
    what: 'rotated queries in another pairing than the keys',
    change: file => valuesOf(file, inBlock(1, 'attn.hook_rot_q'), paired),
    found: { llama: 'query-key-products-equal-scores', neox: 'query-key-products-equal-scores' },
    layer: 1,
    hook: 'attn.hook_rot_q'
  },
  {
    what: 'the pattern of the other row of the batch',
    change: file => valuesOf(file, inBlock(0, 'attn.hook_pattern'), tensor => permuted(tensor, 0, at => 1 - at)),
    found: {
      gpt2: 'scores-softmax-equals-pattern',
      llama: 'scores-softmax-equals-pattern',
      bert: 'scores-softmax-equals-pattern'
    },
    layer: 0,
    hook: 'attn.hook_pattern'
  },
  {
    what: 'pattern and scores of the other row of the batch',
    change: file =>
      valuesOf(file, inBlock(0, 'attn.hook_pattern', 'attn.hook_attn_scores'), tensor =>
        permuted(tensor, 0, at => 1 - at)
      ),
    found: {
      gpt2: 'pattern-times-v-equals-z',
      llama: 'pattern-times-v-equals-z',
      bert: 'pattern-times-v-equals-z'
    },
    layer: 0,
    hook: 'attn.hook_pattern'
  },
  {
    what: 'a scale that is forgotten',
    change: file => withBlock(file, 1, block => ({ ...block, attention: { ...block.attention, scale: 1 } })),
    found: {
      gpt2: 'query-key-products-equal-scores',
      llama: 'query-key-products-equal-scores',
      bert: 'query-key-products-equal-scores',
      bloom: 'query-key-products-equal-scores',
      olmo2: 'query-key-products-equal-scores'
    },
    layer: 1,
    hook: 'attn.hook_attn_scores'
  },
  {
    what: 'scores without the mask',
    change: file =>
      valuesOf(file, inBlock(0, 'attn.hook_attn_scores'), ({ dims, type, data }) => ({
        dims,
        type,
        data: (data as Float32Array).map(score => Math.max(score, -1))
      })),
    // Nothing is masked in the probe of a model that looks both ways: padding shows it, in the full certificate.
    found: { gpt2: 'scores-softmax-equals-pattern', llama: 'scores-softmax-equals-pattern' },
    layer: 0,
    hook: 'attn.hook_attn_scores'
  },
  {
    what: 'the stream before the attention instead of after it',
    change: file => shows(file, name => (name === 'blocks.0.hook_resid_mid' ? 'blocks.0.hook_resid_pre' : undefined)),
    found: { gpt2: 'residual-adds-attn', llama: 'residual-adds-attn', bert: 'residual-adds-attn' },
    layer: 0,
    hook: 'hook_resid_mid'
  },
  {
    what: 'a layer that is shifted: all of its attention is that of the layer before',
    change: file =>
      shows(file, name =>
        ATTENTION.some(end => name === `blocks.1.attn.${end}`) ? name.replace('blocks.1', 'blocks.0') : undefined
      ),
    found: {
      gpt2: 'weights-reproduce-q',
      llama: 'weights-reproduce-q',
      bert: 'weights-reproduce-q',
      level4: 'weights-reproduce-q'
    },
    layer: 1,
    hook: 'attn.hook_z'
  },
  {
    what: 'a layer that is shifted, with its weights',
    change: file =>
      withBlock(
        shows(file, name =>
          ATTENTION.some(end => name === `blocks.1.attn.${end}`) ? name.replace('blocks.1', 'blocks.0') : undefined
        ),
        1,
        (block, [first]) => ({ ...block, attention: first.attention })
      ),
    found: {
      gpt2: 'z-reproduces-attn-out',
      llama: 'z-reproduces-attn-out',
      bert: 'z-reproduces-attn-out',
      level4: 'z-reproduces-attn-out'
    },
    layer: 1,
    hook: 'attn.hook_z'
  },
  {
    what: 'W_O of the next layer',
    change: file =>
      withBlock(file, 0, (block, [, next]) => ({
        ...block,
        attention: { ...block.attention, o: next.attention.o }
      })),
    found: {
      gpt2: 'z-reproduces-attn-out',
      llama: 'z-reproduces-attn-out',
      bert: 'z-reproduces-attn-out',
      level4: 'z-reproduces-attn-out'
    },
    layer: 0,
    hook: 'attn.hook_z'
  },
  {
    what: 'queries and keys exchanged, weights in place',
    change: file => exchanged(file, 'attn.hook_q', 'attn.hook_k'),
    found: { gpt2: 'weights-reproduce-q', bert: 'weights-reproduce-q', neox: 'weights-reproduce-q' },
    layer: 0,
    hook: 'attn.hook_q'
  },
  {
    what: 'queries and keys exchanged, with their weights',
    change: file =>
      withBlock(exchanged(file, 'attn.hook_q', 'attn.hook_k'), 0, block => ({
        ...block,
        attention: { ...block.attention, q: block.attention.k, k: block.attention.q }
      })),
    found: {
      gpt2: 'query-key-products-equal-scores',
      bert: 'query-key-products-equal-scores',
      bloom: 'query-key-products-equal-scores',
      neox: 'rotation-starts-at-the-first-position'
    },
    layer: 0,
    hook: 'attn.hook_q'
  },
  {
    what: 'slopes of distance that are those of the next head',
    change: file => valuesOf(file, inBlock(1, 'attn.hook_attn_scores'), nextSlope),
    found: { bloom: 'scores-softmax-equals-pattern' },
    layer: 1,
    hook: 'attn.hook_attn_scores'
  },
  {
    what: 'one column of what the attention adds',
    change: file => valuesOf(file, inBlock(0, 'hook_attn_out'), lastColumn),
    found: {
      gpt2: 'z-reproduces-attn-out',
      llama: 'z-reproduces-attn-out',
      bert: 'z-reproduces-attn-out',
      level4: 'z-reproduces-attn-out'
    },
    layer: 0,
    hook: 'hook_attn_out'
  },
  {
    what: 'one column of what the MLP computes',
    change: file => valuesOf(file, inBlock(0, 'mlp.hook_pre'), lastColumn),
    found: {
      gpt2: 'weights-reproduce-mlp-pre',
      llama: 'weights-reproduce-mlp-pre',
      bert: 'weights-reproduce-mlp-pre',
      level4: 'weights-reproduce-mlp-pre'
    },
    layer: 0,
    hook: 'mlp.hook_pre'
  },
  {
    what: 'the pattern transposed',
    change: file => valuesOf(file, inBlock(0, 'attn.hook_pattern'), transposed),
    found: {
      gpt2: 'pattern-respects-causal-mask',
      llama: 'pattern-respects-causal-mask',
      bert: 'pattern-rows-sum-to-one'
    },
    layer: 0,
    hook: 'attn.hook_pattern'
  }
];

const exchanged = (file: File, a: string, b: string): File =>
  shows(file, name =>
    name === `blocks.0.${a}` ? `blocks.0.${b}` : name === `blocks.0.${b}` ? `blocks.0.${a}` : undefined
  );

const rows = WRONG.flatMap(wrong =>
  Object.entries(wrong.found).map(([family, identity]) => [wrong.what, family as Family, identity, wrong] as const)
);

const judge = ({ model, weights, anatomy, captured }: File): ReturnType<typeof judged> =>
  judged(model, weights, anatomy, captured);

const hookOf = (hooks: readonly Hook[], name: string): Hook | undefined => hooks.find(hook => hook.name === name);

test.each(rows)('%s in %s: %s', (_, family, identity, { change, layer, hook }) => {
  const { certificate, anatomy } = judge(change(files.get(family)!));
  const found = certificate.identities.find(({ name }) => name === identity);
  expect({ holds: found?.holds, fails: found?.fails }).toEqual({ holds: false, fails: [`blocks.${layer}`] });
  expect(hookOf(anatomy.hooks, `blocks.${layer}.${hook}`)).toMatchObject({ status: 'unavailable' });
  // Nothing is withdrawn in the other block but what the change itself touches.
  const other = anatomy.hooks.filter(
    ({ name, status }) => name.startsWith(`blocks.${1 - layer}.attn.`) && status !== 'verified'
  );
  expect(other).toEqual([]);
});

test.each(Object.keys({ ...FILES, ...MATRIX }) as readonly Family[])('nothing fails in %s as it is', family => {
  const { certificate, anatomy } = judge(files.get(family)!);
  expect(certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
  expect(anatomy.hooks.filter(({ status }) => status !== 'verified')).toEqual([]);
});

test.each(['gpt2', 'llama', 'bert'] as const)('what the unembedding reads, taken elsewhere, in %s', family => {
  const file = shows(files.get(family)!, name => (name === 'unembed.hook_in' ? 'blocks.1.hook_resid_pre' : undefined));
  const { certificate, anatomy } = judge(file);
  const wrong = certificate.identities.filter(({ holds }) => !holds).map(({ name }) => name);
  expect(wrong).toEqual(['unembedding-reproduces-logits']);
  const lost = anatomy.hooks.filter(({ status }) => status !== 'verified').map(({ name }) => name);
  expect(lost).toEqual(['unembed.hook_in']);
});

// What nothing detects: a change of names that leaves every sum as it was.
test('positions and token types exchanged pass: only their sum is checked', () => {
  const names = ['hook_pos_embed', 'hook_token_type_embed'];
  const file = shows(files.get('bert')!, name => (names.includes(name) ? names[1 - names.indexOf(name)] : undefined));
  const { certificate, anatomy } = judge(file);
  expect(certificate.identities.filter(({ holds }) => !holds)).toEqual([]);
  expect(names.map(name => hookOf(anatomy.hooks, name)?.status)).toEqual(['verified', 'verified']);
});

test('scores before the mask pass in a model that looks both ways, until something is padded', () => {
  const file = files.get('bert')!;
  const scores = file.captured.hooks.get('blocks.0.attn.hook_attn_scores')!;
  expect((scores.data as Float32Array).every(score => score > -9e3)).toBe(true);
});
