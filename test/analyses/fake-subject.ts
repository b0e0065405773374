import type { Hook, Tower } from '../../src/anatomy/anatomy';
import type { Tensor } from '../../src/onnx/tensor';
import type { Context } from '../../src/subject/context';
import type { Cache, ForwardRequest, Subject } from '../../src/subject/subject';
import type { SweepRequest, SweepResult } from '../../src/subject/sweep';

export const context: Context = { signal: new AbortController().signal, progress: () => undefined };

export interface Fake {
  readonly layers: number;
  readonly heads: number;
  readonly causal?: boolean;
  readonly vocabulary?: number;
  readonly maxPositions?: number;
  readonly labels?: (id: number) => string;
  /** A hook or output of one sequence, without the batch axis. */
  readonly tensor?: (name: string, ids: readonly number[]) => { dims: readonly number[]; data: Float32Array };
  readonly unembed?: (residual: Tensor) => Tensor;
  readonly hooks?: readonly Hook[];
  readonly head?: boolean;
  readonly blocks?: Tower['blocks'];
  readonly embedding?: Tower['embedding'];
  /** What differs in a shuffled model; absent: nothing. */
  readonly shuffled?: (seed: number) => Partial<Fake>;
  /** A weight by its name and selection. */
  readonly weights?: Subject['weights'];
}

/** A Subject that answers from given tensors; input texts are split at spaces, ids count the words. */
export function fakeSubject(fake: Fake): Subject {
  const tower = towerOf(fake);
  const hooks = fake.hooks ?? hooksOf(fake);
  const label = fake.labels ?? ((id: number) => `t${id}`);
  const request = (ids: readonly number[], name: string): Tensor => {
    if (!fake.tensor) {
      throw new Error(`fake subject: no tensor for ${name}`);
    }
    const { dims, data } = fake.tensor(name, ids);
    return { dims: [1, ...dims], type: 'float32', data };
  };
  return {
    facts: {
      label: 'fake',
      hash: `sha256:${'0'.repeat(64)}`,
      bytes: 4000,
      dtypes: { float32: 4000 },
      nodes: 12,
      producer: 'fake 1.0',
      runtime: 'fake-runtime 1.0',
      threads: 1
    },
    ...(fake.maxPositions === undefined ? {} : { maxPositions: fake.maxPositions }),
    anatomy: {
      inputs: [],
      unresolved: [],
      towers: [tower],
      hooks,
      refusals: [{ why: 'layer 7: not attention', at: '<b>node' }]
    },
    certificate: {
      level: 'quick',
      identities: [
        { name: 'pattern-rows-sum-to-one', error: 1e-7, tolerance: 1e-5, holds: true },
        { name: 'residual-adds-up', error: 0.2, tolerance: 1e-5, holds: false, at: 'blocks.1' }
      ],
      probe: [[1, 2]],
      forwards: 2
    },
    tower,
    weights: fake.weights ?? { names: [], read: refuse, chunks: refuse },
    tensors: {
      initialisers: () => ({ tensors: [], omitted: 0 }),
      describe: () => undefined,
      nodes: () => ({ nodes: [], omitted: 0 })
    },
    ...(tower.head && { way: { input: tower.head.input, hook: tower.head.hook, output: tower.head.logits } }),
    classes: { why: 'it is a fake' },
    classify: refuse,
    outputs: ['logits'],
    tensorInput: refuse,
    input: ({ text, ids }) => {
      const read = ids ?? text.split(' ').map((_, i) => i);
      return { ids: read, labels: read.map(label), bos: false };
    },
    cost: ({ ids, hooks: names }: ForwardRequest) => ({ forwards: 1, bytes: names.length * ids[0].length ** 2 * 4 }),
    forward: async ({ ids, hooks: names, outputs = [] }: ForwardRequest): Promise<Cache> => ({
      names: [...names, ...outputs],
      get: name => request(ids[0], name)
    }),
    unembed: async residual => {
      if (!fake.unembed) {
        throw new Error('fake subject: no unembedding');
      }
      return fake.unembed(residual);
    },
    means: refuse,
    certify: refuse,
    edges: refuse,
    shuffled: async seed => {
      const { forward, weights } = fakeSubject({ ...fake, ...fake.shuffled?.(seed) });
      return { forward, reading: refuse, weights: async () => weights, release: async () => undefined };
    },
    generate: refuse,
    sweep: async ({ base, patches, onStart, onPatch }) => swept(base.length, patches.length, onStart, onPatch),
    sweepCost: ({ base, patches }) => ({ ...SWEEP_COST, forwards: base.length * patches.length }),
    pathSweep: async ({ base, paths, onStart, onPath }) => swept(base.length, paths.length, onStart, onPath),
    pathSweepCost: ({ base, paths }) => ({ ...SWEEP_COST, forwards: base.length * paths.length }),
    room: () => ({ bytes: Infinity, of: 'of no machine' }),
    close: async () => undefined
  };
}

const SWEEP_COST = { operations: 1e6, work: 1, bytes: 1000, session: 0, method: 'whole' as const };

/** The metric is 1 unpatched, 3 in the other run, and 1 + k/10 with patch k. */
function swept(
  prompts: number,
  count: number,
  onStart: SweepRequest['onStart'],
  onPatch: SweepRequest['onPatch']
): SweepResult {
  const [base, source] = [1, 3].map(value => Array<number>(prompts).fill(value));
  onStart?.(base, source);
  const values = Float64Array.from({ length: count * prompts }, (_, at) => 1 + Math.floor(at / prompts) / 10);
  for (let at = 0; at < count; at++) {
    onPatch?.(at, [...values.subarray(at * prompts, (at + 1) * prompts)]);
  }
  return { values, base, source, method: 'whole' };
}

const refuse = (): never => {
  throw new Error('fake subject: no generation');
};

function towerOf({
  layers,
  heads,
  causal = true,
  vocabulary = 50,
  maxPositions,
  head = true,
  blocks = [],
  embedding
}: Fake): Tower {
  const projection = { node: 'n', input: 'x', output: 'y' };
  return {
    name: 'decoder',
    kind: causal ? 'decoder' : 'encoder',
    layers,
    heads,
    kvHeads: heads,
    dModel: 8,
    dHead: 4,
    dMlp: null,
    dVocab: vocabulary,
    maxPositions: maxPositions ?? null,
    causal,
    positional: 'learned',
    norm: { kind: 'layer', placement: 'pre' },
    mlp: 'none',
    parallel: false,
    blocks,
    ...(embedding && { embedding }),
    ...(head
      ? { head: { input: 'x', hook: `blocks.${layers - 1}.hook_resid_post`, logits: 'logits', unembed: projection } }
      : {})
  };
}

function hooksOf({ layers }: Fake): Hook[] {
  const names = [
    'attn.hook_pattern',
    'attn.hook_z',
    'hook_attn_out',
    'hook_resid_pre',
    'hook_resid_mid',
    'hook_resid_post'
  ];
  return Array.from({ length: layers }, (_, layer) =>
    names.map((name): Hook => ({ name: `blocks.${layer}.${name}`, dims: [], shape: [], status: 'verified' }))
  ).flat();
}

/** The layer in a hook's name. */
export const layerOf = (name: string): number => Number(/blocks\.(\d+)\./.exec(name)?.[1]);
