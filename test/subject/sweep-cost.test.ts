import type { Tower } from '../../src/anatomy/anatomy';
import type { SweepRequest } from '../../src/subject/sweep';
import { MOST } from '../../src/subject/sweeps/pace';
import { exactCost, firstTokens, type Cut } from '../../src/subject/sweeps/cost';
import { refuseTooMany } from '../../src/subject/sweeps/refuse-too-many';

const GPT2 = {
  name: 'decoder',
  kind: 'decoder',
  layers: 12,
  heads: 12,
  kvHeads: 12,
  dModel: 768,
  dHead: 64,
  dMlp: 3072,
  dVocab: 50257,
  causal: true,
  mlp: 'plain'
} as unknown as Tower;
const LENGTH = 15;
const base = [Array.from({ length: LENGTH }, (_, at) => at)];
const request = (patches: SweepRequest['patches'], position = LENGTH - 1): SweepRequest => ({
  base,
  source: { kind: 'zero' },
  patches,
  readout: { positions: [[position]], columns: [[1, 2]], value: logits => logits[0] }
});
const places = Array.from({ length: 12 }, (_, layer) =>
  Array.from({ length: 12 }, (__, head) =>
    Array.from({ length: LENGTH }, (___, pos) => ({ hook: `blocks.${layer}.attn.hook_z`, heads: [head], pos: [pos] }))
  )
).flat(2);

const CUT: Cut = { session: 0, packed: true, source: 0 };

test('more runs than are held are refused before any is made', () => {
  refuseTooMany(48 * 32 * 1024, 1);
  expect(() => refuseTooMany(30 * 9 * 4000, 64)).toThrow(
    'sweep too large: 1080000 changes of 64 prompts are 69120000 runs, the most is 2097152; name fewer layers, heads, positions or prompts'
  );
});

describe('what a sweep costs, said beforehand', () => {
  test('the work of a long row does not grow with its tokens', () => {
    let asked = 0;
    const ids = Array.from({ length: 4000 }, (_, at) => at);
    const counted = new Proxy(ids, { get: (own, key) => (asked++, Reflect.get(own, key) as unknown) });
    const long = { ...request(places, 3999), base: [counted] };
    expect(exactCost(GPT2, long, CUT).forwards).toBe(2160);
    // Once for all rows, not once a row and layer.
    expect(asked).toBeLessThan(4 * 4000);
  });

  test('2,160 z-patches of GPT-2 small: the tokens that a run counted', () => {
    // Counted in a run: tokens through the projections, through W_O and the MLP, and rows through the attention.
    const [projected, written, rows] = [81456, 83448, 11904];
    const counted = projected * 2 * 768 * 2304 + written * 2 * 768 * (768 + 2 * 3072) + rows * 4 * LENGTH ** 2 * 768;
    const { operations, forwards } = exactCost(GPT2, request(places), CUT);
    expect(forwards).toBe(2160);
    expect(operations / counted).toBeCloseTo(1, 2);
    // A whole forward of each: 170 MFLOP a token in the blocks.
    expect(operations).toBeLessThan((2160 * LENGTH * 170e6) / 4);
  });

  test('a patch behind the position that is read costs nothing', () => {
    const late = { hook: 'blocks.0.hook_resid_pre', pos: [9] };
    expect(exactCost(GPT2, request([late], 8), CUT).operations).toBe(0);
    expect(exactCost(GPT2, request([late], 9), CUT).operations).toBeGreaterThan(0);
  });

  test('the first runs of large models are short enough that a cancel is heard', () => {
    expect(firstTokens(GPT2)).toBe(MOST.tokens);
    // A gated MLP of 2048 × 8192: 100.7 million operations a token.
    expect(firstTokens({ ...GPT2, dModel: 2048, dMlp: 8192, mlp: 'gated' } as Tower)).toBe(79);
  });

  test('tokens that cannot travel packed cost whole rows', () => {
    const [packed, loose] = [true, false].map(way => exactCost(GPT2, request(places), { ...CUT, packed: way }));
    expect([packed.method, loose.method]).toEqual(['positions', 'layers']);
    expect(loose.operations).toBeGreaterThan(1.5 * packed.operations);
  });

  test('a cross-attention costs queries, the states that it reads, and its output, in every block behind the patch', () => {
    const patch = { hook: 'blocks.10.hook_resid_pre', pos: [LENGTH - 1] };
    const cross = { ...GPT2, states: 'encoder_hidden_states' } as Tower;
    const [plain, crossed] = [GPT2, cross].map(
      tower => exactCost(tower, request([patch]), { ...CUT, source: 20 }).operations
    );
    expect(crossed - plain).toBe(2 * (4 * 768 * 768 + 4 * 20 * 768));
  });

  test('bytes grow with prompts, lengths, patterns and all of the vocabulary; weights are told apart', () => {
    const of = (more: Partial<SweepRequest>): number => exactCost(GPT2, { ...request(places), ...more }, CUT).bytes;
    const long = Array.from({ length: 512 }, (_, at) => at);
    const patterns = places.map(place => ({ ...place, hook: place.hook.replace('hook_z', 'hook_pattern') }));
    expect(exactCost(GPT2, request(places), { ...CUT, session: 340e6 })).toMatchObject({
      bytes: of({}),
      session: 340e6
    });
    expect(of({})).toBeLessThan(80e6);
    expect(
      of({ base: [base[0], base[0]], readout: { ...request([]).readout, positions: [[14], [14]] } })
    ).toBeGreaterThan(of({}) + 15 * 2 * 50257 * 4);
    // Scores of the rows of a chunk alone: 8 rows × 12 heads × 512² numbers.
    expect(of({ base: [long] })).toBeGreaterThan(8 * 12 * 512 ** 2 * 4);
    expect(of({ base: [long], patches: patterns })).toBeGreaterThan(of({ base: [long] }) + 12 * 12 * 512 ** 2 * 2);
    expect(of({ readout: { positions: [[14]], value: logits => logits[0] } })).toBeGreaterThan(of({}) + 20 * 50257 * 4);
  });
});
