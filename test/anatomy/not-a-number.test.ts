import type { Block, Tower } from '../../src/anatomy/anatomy';
import { recognise } from '../../src/anatomy/recognise';
import type { Model } from '../../src/onnx/model';
import type { Weights } from '../../src/onnx/weights';
import { capture, judged } from './certificate';
import { openModel } from './fixtures';

/** A weight of each kind that a model has, by the name of its initialiser. */
const weightsOf = ({ blocks, embedding, finalNorm, head }: Tower): ReadonlyMap<string, string> => {
  const of = (label: string, { attention, mlp, norms }: Block): readonly (readonly [string, string | undefined])[] => [
    ...(['q', 'k', 'v', 'o'] as const).flatMap(name => [
      [`${label} W_${name}`, attention[name].weight] as const,
      [`${label} b_${name}`, attention[name].bias] as const
    ]),
    ...(['in', 'gate', 'out'] as const).map(name => [`${label} mlp ${name}`, mlp?.[name]?.weight] as const),
    ...norms.map(norm => [`${label} ${norm.role}`, norm.weight] as const)
  ];
  const all: readonly (readonly [string, string | undefined])[] = [
    ['W_E', embedding?.weight],
    ['W_pos', embedding?.positionWeight],
    ...of('first', blocks[0]),
    ...of('last', blocks[blocks.length - 1]),
    ['ln_final', finalNorm?.weight],
    ['W_U', head?.unembed.weight]
  ];
  return new Map(all.flatMap(([label, name]) => (name === undefined ? [] : [[label, name] as const])));
};

interface File {
  readonly model: Model;
  readonly weights: Weights;
}

/** The file with one element, or all elements, of a weight replaced, in the store or, where it is small, in the graph. */
const poisoned = ({ model, weights }: File, name: string, value: number, whole: boolean): File => {
  const changed = (bytes: Uint8Array): Uint8Array => {
    const copy = bytes.slice();
    const numbers = new Float32Array(copy.buffer);
    numbers.fill(value, whole ? 0 : numbers.length >> 1, whole ? numbers.length : (numbers.length >> 1) + 1);
    return copy;
  };
  const initializers = model.graph.initializers.map(tensor =>
    tensor.name === name && tensor.data.kind === 'raw'
      ? { ...tensor, data: { kind: 'raw' as const, bytes: changed(tensor.data.bytes) } }
      : tensor
  );
  return {
    model: { ...model, graph: { ...model.graph, initializers } },
    weights: {
      ...weights,
      get: wanted => {
        const weight = weights.get(wanted);
        return weight && wanted === name ? { ...weight, bytes: changed(weight.bytes) } : weight;
      }
    }
  };
};

interface Judged {
  /** Hooks that hold something that is no number (−∞ in scores is a mask). */
  readonly strange: readonly string[];
  readonly served: readonly string[];
}

const judge = async (file: File, changed: File): Promise<Judged> => {
  const anatomy = recognise(file.model, file.weights);
  // Outputs that are no number would withdraw every hook at once: each hook must be withdrawn for its own sake.
  const captured = { ...(await capture(changed.model, changed.weights, anatomy)), bare: new Map() };
  const strange = [...captured.hooks].flatMap(([name, { data }]) =>
    (data as Float32Array).some(x => Number.isNaN(x) || x === Infinity) ? [name] : []
  );
  const { hooks } = judged(changed.model, changed.weights, anatomy, captured).anatomy;
  return { strange, served: hooks.flatMap(({ name, source }) => (source ? [name] : [])) };
};

const FILES = [
  ['gpt2', 'optimum'],
  ['llama', 'dynamo'],
  ['bert', 'torchscript']
] as const;

const rows = FILES.flatMap(([family, style]) => {
  const { model, weights } = openModel(family, style);
  const kinds = weightsOf(recognise(model, weights).towers[0]);
  return [...kinds].map(([kind, name]) => [`${family}: ${kind}`, { model, weights, name }] as const);
});

const VALUES = [
  ['NaN', NaN, rows],
  ['∞', Infinity, rows.filter(([kind]) => kind.startsWith('gpt2: first'))]
] as const;

// All weights of a kind, so that the probe's few tokens meet them, whatever rows they pick.
describe.each(VALUES)('%s', (_, value, some) => {
  test.each(some)(
    'in %s: what holds it is not served, what comes before is',
    async (kind, { model, weights, name }) => {
      const { strange, served } = await judge({ model, weights }, poisoned({ model, weights }, name, value, true));
      expect(strange.length).toBeGreaterThan(0);
      expect(served.filter(hook => strange.includes(hook))).toEqual([]);
      expect(kind.includes('last') && !served.includes('blocks.0.attn.hook_z')).toBe(false);
    }
  );
});

test('one NaN in the queries of one head withdraws the scores', async () => {
  const { model, weights } = openModel('gpt2', 'optimum');
  const anatomy = recognise(model, weights);
  const [, block] = anatomy.towers[0].blocks;
  const changed = poisoned({ model, weights }, block.attention.q.weight!, NaN, false);
  const captured = await capture(changed.model, changed.weights, anatomy);
  const { anatomy: after, certificate } = judged(changed.model, changed.weights, anatomy, captured);
  const scores = after.hooks.find(({ name }) => name === 'blocks.1.attn.hook_attn_scores');
  expect(scores).toMatchObject({ status: 'unavailable' });
  expect(scores?.source).toBeUndefined();
  const identity = certificate.identities.find(({ name }) => name === 'query-key-products-equal-scores');
  expect(identity).toMatchObject({ holds: false, error: Infinity, at: 'blocks.1', fails: ['blocks.1'] });
  expect(identity?.places?.[1].because).toMatch(/^'blocks\.1\.attn\.hook_(q|k|attn_scores|pattern)' has NaN in row 0$/);
});

test('scores that are masked everywhere leave nothing to compare: unverified, not verified', async () => {
  const { model, weights } = openModel('gpt2', 'optimum');
  const anatomy = recognise(model, weights);
  const captured = await capture(model, weights, anatomy);
  const name = 'blocks.0.attn.hook_attn_scores';
  const { dims, type, data } = captured.hooks.get(name)!;
  const hidden = { dims, type, data: (data as Float32Array).map(() => -Infinity) };
  const hooks = new Map([...captured.hooks, [name, hidden] as const]);
  const { anatomy: after, certificate } = judged(model, weights, anatomy, { ...captured, hooks });
  const identity = certificate.identities.find(one => one.name === 'scores-softmax-equals-pattern');
  expect(identity).toMatchObject({ holds: false, why: 'blocks.0: no element is left to compare' });
  expect(after.hooks.find(hook => hook.name === name)).toMatchObject({
    status: 'unverified',
    why: "identity 'query-key-products-equal-scores' could not be checked: blocks.0: no element is left to compare"
  });
  // The other block has nothing to do with it.
  expect(after.hooks.find(hook => hook.name === 'blocks.1.attn.hook_attn_scores')).toMatchObject({
    status: 'verified'
  });
});

test('a pattern of zeros where the scores mask nothing is caught', async () => {
  const { model, weights } = openModel('bert', 'torchscript');
  const anatomy = recognise(model, weights);
  const captured = await capture(model, weights, anatomy);
  const name = 'blocks.0.attn.hook_pattern';
  const { dims, type, data } = captured.hooks.get(name)!;
  const hooks = new Map([...captured.hooks, [name, { dims, type, data: (data as Float32Array).fill(0) }] as const]);
  const { certificate } = judged(model, weights, anatomy, { ...captured, hooks });
  expect(certificate.identities.find(one => one.name === 'pattern-rows-sum-to-one')).toMatchObject({
    holds: false,
    fails: ['blocks.0']
  });
});
