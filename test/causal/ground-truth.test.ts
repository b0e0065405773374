import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createNodeRuntime } from '../../src/runtime/node';
import { openModel } from '../../src/subject/opening/open-model';
import type { Subject } from '../../src/subject/subject';
import type { Patch, PatchSource, Path, Readout } from '../../src/subject/sweep';
import { memoryFiles, quiet } from '../subject/fixture-files';

/** test/fixtures/tracr_models.py and induction_by_hand.py. */
interface Facts {
  readonly layers: number;
  readonly heads: number;
  readonly inputs: readonly { readonly ids: readonly number[]; readonly logits: readonly (readonly number[])[] }[];
  /** 'L0H0', 'MLP2' */
  readonly parts: readonly string[];
  /** [sender, receiver, port] */
  readonly edges: readonly (readonly [string, string, string])[];
}

const FOLDER = join(__dirname, '..', 'fixtures', 'tracr');
const facts = JSON.parse(readFileSync(join(FOLDER, 'facts.json'), 'utf8')) as Record<string, Facts>;

/**
 * A part or an edge is said to matter when it changes a weighted sum of the outputs by more than this on some input. Compiled
 * outputs are of size one, and rounding is below 1e-5.
 */
const THRESHOLD = 1e-3;

/** The first position is the compiler's own token, whose output means nothing; fixed weights keep changes from cancelling. */
const readout = (length: number, prompts: number): Readout => ({
  positions: Array.from({ length: prompts }, () => Array.from({ length: length - 1 }, (_, at) => at + 1)),
  value: logits => logits.reduce((sum, value, at) => sum + value * Math.sin(1 + at * 1.7), 0)
});

const byLength = ({ inputs }: Facts): readonly (readonly (readonly number[])[])[] => {
  const groups = new Map<number, (readonly number[])[]>();
  inputs.forEach(({ ids }) => groups.set(ids.length, [...(groups.get(ids.length) ?? []), ids]));
  return [...groups.values()];
};

const partsOf = ({ layers, heads }: Facts, mlp: boolean): readonly { name: string; patch: Patch }[] =>
  Array.from({ length: layers }, (_, layer) => [
    ...Array.from({ length: heads }, (__, head) => ({
      name: `L${layer}H${head}`,
      patch: { hook: `blocks.${layer}.attn.hook_z`, heads: [head] }
    })),
    ...(mlp ? [{ name: `MLP${layer}`, patch: { hook: `blocks.${layer}.hook_mlp_out` } }] : [])
  ]).flat();

/** The largest effect of each place over the inputs of all lengths. */
const largest = async (
  truth: Facts,
  count: number,
  run: (
    ids: readonly (readonly number[])[],
    read: Readout
  ) => Promise<{ values: Float64Array; base: readonly number[] }>
): Promise<readonly number[]> => {
  const effects = Array<number>(count).fill(0);
  for (const ids of byLength(truth)) {
    const { values, base } = await run(ids, readout(ids[0].length, ids.length));
    effects.forEach((effect, at) => {
      base.forEach((own, prompt) => {
        effects[at] = Math.max(effects[at], effect, Math.abs(values[at * ids.length + prompt] - own));
      });
    });
  }
  return effects;
};

const found = (names: readonly string[], effects: readonly number[]): readonly string[] =>
  names.filter((_, at) => effects[at] > THRESHOLD).sort();

describe.each(Object.keys(facts))('ground truth: %s', name => {
  const truth = facts[name];
  let subject: Subject;
  beforeAll(async () => {
    const file = readFileSync(join(FOLDER, `${name}.onnx`));
    subject = await openModel(memoryFiles(name, { 'model.onnx': file }), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  test('the file gives what the program gives', async () => {
    for (const { ids, logits } of truth.inputs) {
      const { dims, data } = (await subject.forward({ ids: [ids], hooks: [], outputs: ['logits'] }, quiet)).get(
        'logits'
      );
      logits.forEach((row, at) =>
        row.forEach((value, id) => expect(Number(data[at * dims[2] + id])).toBeCloseTo(value, 4))
      );
    }
  });

  const sweep = (patches: readonly Patch[], source: (ids: readonly (readonly number[])[]) => PatchSource) =>
    largest(truth, patches.length, (base, read) =>
      subject.sweep({ base, source: source(base), patches, readout: read }, quiet)
    );

  test('zero ablation finds the heads and MLPs that there are, and no other', async () => {
    const parts = partsOf(truth, subject.tower.mlp !== 'none');
    const effects = await sweep(
      parts.map(({ patch }) => patch),
      () => ({ kind: 'zero' })
    );
    expect(
      found(
        parts.map(part => part.name),
        effects
      )
    ).toEqual([...truth.parts].sort());
  });

  /** Parts whose own value differs between an input and the one that it is patched from: a head that measures the length has one value for all. */
  const differing = async (parts: readonly { name: string; patch: Patch }[]): Promise<readonly string[]> => {
    const names = new Set<string>();
    for (const ids of byLength(truth)) {
      const hooks = [...new Set(parts.map(({ patch }) => patch.hook))];
      const cache = await subject.forward({ ids, hooks }, quiet);
      for (const { name: part, patch } of parts) {
        const { dims, data } = cache.get(patch.hook);
        const row = data.length / dims[0];
        const width = dims[dims.length - 1];
        const own = (at: number): boolean =>
          patch.heads === undefined || Math.floor(at / width) % dims[2] === patch.heads[0];
        const differs = ids.some((_, prompt) =>
          Array.from({ length: row }, (__, at) => at).some(
            at =>
              own(at) &&
              Math.abs(Number(data[prompt * row + at]) - Number(data[((prompt + 1) % ids.length) * row + at])) >
                THRESHOLD
          )
        );
        if (differs && truth.parts.includes(part)) {
          names.add(part);
        }
      }
    }
    return [...names].sort();
  };

  test('patching from other inputs of the same length finds the parts that differ between them, and no other', async () => {
    const parts = partsOf(truth, subject.tower.mlp !== 'none');
    const effects = await sweep(
      parts.map(({ patch }) => patch),
      ids => ({ kind: 'run', ids: ids.map((_, at) => ids[(at + 1) % ids.length]) })
    );
    const expected = await differing(parts);
    expect(expected.length).toBeGreaterThan(0);
    expect(
      found(
        parts.map(part => part.name),
        effects
      )
    ).toEqual(expected);
  });

  test('path patching finds no edge that is not there, and every edge of a head or MLP into a head or the output', async () => {
    const parts = partsOf(truth, subject.tower.mlp !== 'none');
    const senders = parts.filter(part => truth.parts.includes(part.name) || part.name.startsWith('L'));
    const paths: { edge: string; path: Path }[] = senders.flatMap(({ name: sender, patch }) => {
      const layer = Number(/\d+/.exec(sender)![0]);
      return [
        { edge: `${sender}→logits`, path: { sender: patch, receivers: 'logits' as const } },
        ...partsOf(truth, false)
          .filter(({ name: receiver }) => Number(/\d+/.exec(receiver)![0]) > layer)
          .flatMap(({ name: receiver, patch: { hook, heads } }) =>
            (['q', 'k', 'v'] as const).map(port => ({
              edge: `${sender}→${receiver}.${port}`,
              path: { sender: patch, receivers: [{ hook: hook.replace('hook_z', `hook_${port}`), heads: heads! }] }
            }))
          )
      ];
    });
    const effects = await largest(truth, paths.length, (base, read) =>
      subject.pathSweep({ base, source: { kind: 'zero' }, paths: paths.map(({ path }) => path), readout: read }, quiet)
    );
    const real = truth.edges
      .filter(([sender, receiver]) => sender !== 'embed' && !receiver.startsWith('MLP'))
      .map(([sender, receiver, port]) =>
        receiver === 'logits' ? `${sender}→logits` : `${sender}→${receiver}.${port}`
      );
    expect(
      found(
        paths.map(({ edge }) => edge),
        effects
      )
    ).toEqual([...real].sort());
  });
});
