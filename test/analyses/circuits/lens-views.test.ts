import { logitLens } from '../../../src/analyses/lens/logit-lens';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import type { Subject } from '../../../src/subject/subject';
import { quiet } from '../../subject/fixture-files';
import { furthest, MODELS, open, openFile, oracle, run } from './lens';

type Rows = readonly (readonly number[])[];

interface Case {
  readonly ids: Rows;
  readonly lens: {
    readonly rows: readonly string[];
    readonly top: Rows;
    readonly entropy: Rows;
    readonly kl: Rows;
    readonly components: readonly string[];
    readonly contributions: Rows;
    readonly component_top: Rows;
  };
}
const { families } = oracle<{ readonly families: Readonly<Record<string, Case>> }>();

// Nats and logits of a few units, single precision on both sides; the divergence multiplies the error of logits up to 20.
const [NATS, DIVERGENCE, LOGITS] = [2e-4, 5e-4, 5e-5];

const tops = (result: { readonly ids: Parameters<typeof decodeTensor>[0] }): number[] => [...decodeTensor(result.ids)];

/** TransformerLens's names as ours. */
const ours = (name: string): string =>
  name
    .replace(/^embed$/, 'embedding')
    .replace(/^pos_embed$/, 'positions')
    .replace(/^(\d+)_attn_out$/, 'attention $1')
    .replace(/^(\d+)_mlp_out$/, 'MLP $1');

describe.each(MODELS)('%s/%s.onnx as in TransformerLens', (family, style) => {
  const { ids, lens } = families[family];
  let subject: Subject;
  beforeAll(async () => {
    subject = await open(family, style);
  });
  afterAll(() => subject.close());

  test('rows by layer or sublayer are those of accumulated_resid', async () => {
    const by = lens.rows.includes('0_mid') ? 'sublayer' : 'layer';
    const result = await run(logitLens, subject, { ids: ids[0], by, topK: 1 });
    expect(result.values.shape).toEqual([lens.rows.length, ids[0].length, 1]);
    expect(result.rows?.length).toBe(by === 'layer' ? undefined : lens.rows.length);
    expect(tops(result)).toEqual(lens.top.flat());
    expect(furthest(decodeTensor(result.entropy), lens.entropy.flat())).toBeLessThan(NATS);
    expect(furthest(decodeTensor(result.kl), lens.kl.flat())).toBeLessThan(DIVERGENCE);
  });

  test('rows by component are those of decompose_resid, and add up to the output', async () => {
    const result = await run(logitLens, subject, { ids: ids[0], by: 'component', topK: 1 });
    expect(result.rows).toEqual([...lens.components.map(ours), 'output']);
    const parts = lens.components.length * ids[0].length;
    expect(tops(result).slice(0, parts)).toEqual(lens.component_top.flat());
    expect(furthest(decodeTensor(result.contributions!).subarray(0, parts), lens.contributions.flat())).toBeLessThan(
      LOGITS
    );
    expect(result.outputError).toBeLessThan(LOGITS);
    expect(result.depth).toEqual([]);
    const summary = logitLens.summary(result, validateSpec(logitLens, { by: 'component' }));
    expect(summary).toContain("logits for the output's top token above the mean of all tokens");
    expect(summary.split('\n').length).toBeLessThan(40);
  });
});

describe('other blocks', () => {
  test.each([
    ['bert', 'optimum', { by: 'sublayer' }, undefined],
    ['bert', 'optimum', { by: 'component' }, 'its blocks have post-norms'],
    ['neox', 'optimum', { by: 'sublayer' }, 'attention and MLP read the same stream in its blocks'],
    ['attn-only', 'torchscript', { by: 'sublayer' }, 'its blocks have no MLP']
  ] as const)('%s/%s %j', async (family, style, spec, message) => {
    const subject = await open(family, style);
    const compute = logitLens.compute(subject, validateSpec(logitLens, { ids: [3, 1, 4, 1], ...spec }), quiet, 0);
    if (message === undefined) {
      const result = await compute;
      expect(result.rows).toEqual(['embedding', '0 attention', '0 MLP', '1 attention', '1 MLP']);
      expect(result.outputError).toBeLessThan(1e-4);
    } else {
      await expect(compute).rejects.toThrow(message);
    }
    await subject.close();
  });

  test.each([
    ['granite', undefined],
    ['olmo2', undefined],
    ['cohere', undefined],
    ['gemma2', 'components do not add up: they make logits that differ']
  ])(
    '%s: what is added to the stream adds up, norms and scales behind it included; capped logits do not',
    async (family, message) => {
      const subject = await openFile(family, 'optimum');
      const compute = logitLens.compute(
        subject,
        validateSpec(logitLens, { ids: [3, 1, 4], by: 'component' }),
        quiet,
        0
      );
      await (message === undefined
        ? expect(compute.then(({ rows }) => rows)).resolves.toContain('attention 1')
        : expect(compute).rejects.toThrow(message));
      await subject.close();
    }
  );
});
