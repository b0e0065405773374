import type { Block, Projection } from '../../src/anatomy/anatomy';
import type { Tensor } from '../../src/onnx/tensor';
import type { WeightSelection } from '../../src/subject/weights/model-weights';
import type { Fake } from '../analyses/fake-subject';

const [D_MODEL, D_HEAD, HEADS, LAYERS, VOCABULARY] = [8, 4, 3, 2, 50];

const projection = (weight: string): Projection => ({ node: 'n', input: 'x', output: 'y', weight });

const block: Block = {
  residPre: 'x',
  residPost: 'y',
  attention: {
    q: projection('q'),
    k: projection('k'),
    v: projection('v'),
    o: projection('o'),
    scale: 0.5,
    pattern: 'pattern',
    z: 'z',
    out: 'out',
    rotary: false,
    grouped: false,
    node: 'n'
  },
  norms: []
};

/** Queries, keys and values are zeros, as the hooks have them. */
const SILENT = ['W_Q', 'W_K', 'W_V'];

/** Numbers without a pattern; the unembedding gives the stream's own columns. */
function read(name: string, { layers, heads, range }: WeightSelection = {}): Tensor {
  const [from, to] = range ?? [0, VOCABULARY];
  const stack = [layers?.length ?? LAYERS, heads?.length ?? HEADS];
  const dims =
    name === 'W_U'
      ? [D_MODEL, to - from]
      : name === 'W_E'
        ? [to - from, D_MODEL]
        : [...stack, ...(name === 'W_O' ? [D_HEAD, D_MODEL] : [D_MODEL, D_HEAD])];
  const data = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, at) =>
    name === 'W_U'
      ? Number(Math.floor(at / (to - from)) === from + (at % (to - from)))
      : SILENT.includes(name)
        ? 0
        : Math.sin(from + at + 1)
  );
  return { dims, type: 'float32', data };
}

const HOOKS = [
  'attn.hook_pattern',
  'attn.hook_v',
  'attn.hook_z',
  'attn.hook_q',
  'attn.hook_k',
  'attn.hook_attn_scores'
];
const STREAM = ['hook_resid_pre', 'hook_resid_post'];

/** Heads that write nothing into a stream that counts its columns, and weights. */
export const fakeCircuits: Partial<Fake> = {
  layers: LAYERS,
  heads: HEADS,
  blocks: [block, block],
  hooks: [0, 1].flatMap(layer =>
    [...HOOKS, ...STREAM].map(name => ({
      name: `blocks.${layer}.${name}`,
      dims: [],
      shape: [],
      status: 'verified' as const
    }))
  ),
  weights: {
    names: ['W_Q', 'W_K', 'W_V', 'W_O', 'W_E', 'W_U'],
    read,
    chunks: function* (name, _, selection) {
      const range = selection?.range ?? ([0, VOCABULARY] as const);
      yield { range, tensor: read(name, { range }) };
    }
  },
  tensor: (name, { length }) => {
    const dims = /pattern|scores/.test(name)
      ? [HEADS, length, length]
      : name.includes('attn')
        ? [length, HEADS, D_HEAD]
        : [length, D_MODEL];
    const data = new Float32Array(dims.reduce((a, b) => a * b));
    const value = (at: number): number =>
      name.includes('pattern') ? 1 / length : name.includes('resid') ? at % D_MODEL : 0;
    return { dims, data: data.map((_, at) => value(at)) };
  }
};
