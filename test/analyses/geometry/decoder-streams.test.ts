import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Analysis } from '../../../src/analyses/analysis';
import { baselineRows } from '../../../src/analyses/baseline';
import { compressionBound } from '../../../src/analyses/generalisation/compression-bound';
import { gaussNewtonTrace } from '../../../src/analyses/generalisation/gauss-newton-trace';
import { anisotropy } from '../../../src/analyses/geometry/anisotropy';
import { intrinsicDimension } from '../../../src/analyses/geometry/intrinsic-dimension';
import { lipschitzConstant } from '../../../src/analyses/geometry/lipschitz-constant';
import { massiveActivations } from '../../../src/analyses/geometry/massive-activations';
import { participationRatio } from '../../../src/analyses/geometry/participation-ratio';
import { profileRows } from '../../../src/analyses/geometry/profile';
import { rankCollapse } from '../../../src/analyses/geometry/rank-collapse';
import { representationSimilarity } from '../../../src/analyses/geometry/representation-similarity';
import { tokenUniformity } from '../../../src/analyses/geometry/token-uniformity';
import { trajectoryLength } from '../../../src/analyses/geometry/trajectory-length';
import type { SpecFields } from '../../../src/analyses/spec/spec';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { decodeTensor } from '../../../src/analyses/tensor-codec';
import { headRank } from '../../../src/analyses/weights/head-rank';
import { createNodeRuntime } from '../../../src/runtime/node';
import { openModel } from '../../../src/subject/opening/open-model';
import type { Subject } from '../../../src/subject/subject';
import { memoryFiles, quiet } from '../../subject/fixture-files';
import { open, run } from '../circuits/lens';
import { lines, relative } from './oracle';

interface Oracle {
  readonly source: readonly (readonly number[])[];
  readonly written: readonly (readonly number[])[];
  readonly first_text: readonly {
    cosine: number;
    rank: number;
    effective_rank: number;
    largest: number[][];
    median: number;
  }[];
  readonly sample: readonly { mean_cosine: number; first_component: number; ratio: number; ratio_without: number }[];
  readonly dimension: readonly { twonn: number; points: number }[];
  readonly similarity: Readonly<Record<'cka' | 'debiased' | 'svcca' | 'pwcca', readonly (readonly number[])[]>>;
  readonly collapse: Readonly<Record<'as_is' | 'no_skip' | 'no_mlp' | 'attention', readonly number[]>>;
  readonly heads: readonly (readonly (readonly number[])[])[];
  readonly loss: number;
}

/** What test/fixtures/decoder_geometry.py wrote. */
const ORACLES = JSON.parse(
  readFileSync(join(__dirname, '../../fixtures/analyses/decoder-geometry.json'), 'utf8')
) as Readonly<Record<string, Oracle>>;

// Single precision against double, through two blocks and an encoder; results are stored in single precision.
const TOLERANCE = 1e-4;

describe.each(Object.entries(ORACLES))('the decoder of %s', (name, oracle) => {
  const { source, written } = oracle;
  const one = { tower: 'decoder', ids: source[0], decoderIds: written[0] };
  const all = { tower: 'decoder', texts: lines(source), decoderTexts: lines(written) };
  let subject: Subject;
  beforeAll(async () => {
    const part = (tower: string): Uint8Array =>
      gunzipSync(readFileSync(join(__dirname, '../../fixtures/matrix', name, `optimum.${tower}.onnx.gz`)));
    const config = new TextEncoder().encode(JSON.stringify({ decoder_start_token_id: written[0][0] }));
    const files = {
      'encoder_model.onnx': part('encoder'),
      'decoder_model.onnx': part('decoder'),
      'config.json': config
    };
    subject = await openModel(memoryFiles(name, files), createNodeRuntime(), quiet);
  });
  afterAll(() => subject.close());

  test('E2, R6: one text, as by NumPy', async () => {
    const uniform = await run(tokenUniformity, subject, one);
    const [cosine, rank, effective] = profileRows(uniform.values);
    expect(
      relative(
        cosine,
        oracle.first_text.map(place => place.cosine)
      )
    ).toBeLessThan(TOLERANCE);
    expect(rank).toEqual(oracle.first_text.map(place => place.rank));
    expect(
      relative(
        effective,
        oracle.first_text.map(place => place.effective_rank)
      )
    ).toBeLessThan(TOLERANCE);
    expect(uniform.tower).toBe('decoder');
    expect(uniform.input.ids).toEqual(written[0]);
    expect(uniform.breaks).toContain('cross-attention to an encoder’s states');
    const massive = profileRows((await run(massiveActivations, subject, one)).values);
    [0, 1, 2].forEach(m =>
      expect(
        relative(
          massive[m],
          oracle.first_text.map(place => Math.abs(place.largest[m][2]))
        )
      ).toBeLessThan(TOLERANCE)
    );
    expect(
      relative(
        massive[3],
        oracle.first_text.map(place => place.median)
      )
    ).toBeLessThan(TOLERANCE);
  });

  test('E1: cross-attention stays in every variant', async () => {
    const rows = profileRows((await run(rankCollapse, subject, one)).values);
    (['as_is', 'no_skip', 'no_mlp', 'attention'] as const).forEach((variant, m) =>
      expect(relative(rows[m], oracle.collapse[variant])).toBeLessThan(TOLERANCE)
    );
  });

  test('E4: heads of the self-attention', async () => {
    const result = await run(headRank, subject, one);
    const found = decodeTensor(result.values);
    const { shape } = result.values;
    const [, layers, heads] = shape;
    const wanted = Array.from({ length: 5 }, (_, m) => oracle.heads.flatMap(row => row.map(head => head[m])));
    expect(shape).toEqual([5, oracle.heads.length, oracle.heads[0].length]);
    wanted.forEach((row, m) =>
      expect(relative(Array.from(found.subarray(m * layers * heads, (m + 1) * layers * heads)), row)).toBeLessThan(
        TOLERANCE
      )
    );
  });

  test('R1, R2, R3: tokens of several texts, each beside its own source', async () => {
    const ratios = profileRows((await run(participationRatio, subject, all)).values);
    expect(
      relative(
        ratios[0],
        oracle.sample.map(place => place.ratio)
      )
    ).toBeLessThan(TOLERANCE);
    expect(
      relative(
        ratios[1],
        oracle.sample.map(place => place.ratio_without)
      )
    ).toBeLessThan(TOLERANCE);
    const cones = profileRows((await run(anisotropy, subject, all)).values);
    expect(
      relative(
        cones[0],
        oracle.sample.map(place => place.mean_cosine)
      )
    ).toBeLessThan(TOLERANCE);
    expect(
      relative(
        cones[2],
        oracle.sample.map(place => place.first_component)
      )
    ).toBeLessThan(TOLERANCE);
    const dimensions = profileRows((await run(intrinsicDimension, subject, all)).values);
    oracle.dimension.forEach(({ twonn, points }, place) => {
      if (points >= 100) {
        expect(relative([dimensions[0][place]], [twonn])).toBeLessThan(TOLERANCE);
      } else {
        expect(dimensions[0][place]).toBeNaN();
      }
    });
  });

  test.each(['svcca', 'pwcca'] as const)('R4, R5: CKA and %s of its places', async cca => {
    const { values } = await run(representationSimilarity, subject, { ...all, cca });
    const flat = Array.from(decodeTensor(values));
    const size = oracle.similarity.cka.length ** 2;
    (['cka', 'debiased', cca] as const).forEach((map, m) =>
      expect(relative(flat.slice(m * size, (m + 1) * size), oracle.similarity[map].flat())).toBeLessThan(TOLERANCE)
    );
  });

  test('G5: the loss is the decoder’s', async () => {
    const { texts, decoderTexts } = all;
    const { loss, tower } = await run(compressionBound, subject, { texts, decoderTexts });
    expect(relative([loss], [oracle.loss])).toBeLessThan(TOLERANCE);
    expect(tower).toBe('decoder');
  });

  test('E5, E6 run on the decoder', async () => {
    const stretch = profileRows((await run(lipschitzConstant, subject, one)).values);
    stretch[1].slice(1).forEach((local, layer) => {
      expect(local).toBeGreaterThan(stretch[0][layer + 1]);
      expect(local).toBeLessThan(stretch[2][layer + 1]);
    });
    const lengths = profileRows((await run(trajectoryLength, subject, { ...one, points: 5 })).values);
    expect(lengths[0].every(value => value > 0)).toBe(true);
  });

  test('G6b: of the decoder’s logits; a tied T5 scales what it unembeds', async () => {
    const found = run(gaussNewtonTrace, subject, { ids: source[0], decoderIds: written[0] });
    await (name === 't5'
      ? expect(found).rejects.toThrow('unembedding not linear: token 0')
      : expect(found).resolves.toMatchObject({ tower: 'decoder', input: { ids: written[0] } }));
  });

  test('a shuffled copy reads the same sources', async () => {
    const ratio = async (texts: string): Promise<number[]> => {
      const { baseline } = await run(participationRatio, subject, { ...all, texts, baseline: 1 });
      return baselineRows(baseline)[0].map(([value]) => value);
    };
    const [own, other] = [await ratio(lines(source)), await ratio(lines([...source].reverse()))];
    expect(own[0]).toBeCloseTo(other[0], 4);
    expect(Math.abs(own[own.length - 1] - other[other.length - 1])).toBeGreaterThan(1e-3);
  });

  test('the encoder is what it was', async () => {
    const encoder = await run(tokenUniformity, subject, { ids: source[0] });
    expect(encoder.tower).toBe('encoder');
    expect(encoder.input.ids).toEqual(source[0]);
  });

  const refused: readonly [string, Analysis<SpecFields, unknown>, object, string][] = [
    [
      'a decoder that has written nothing',
      tokenUniformity,
      { tower: 'decoder', ids: [5, 6] },
      "got 1 (field 'decoderText')"
    ],
    [
      'fewer texts than sources',
      participationRatio,
      { ...all, decoderTexts: '2,5' },
      "field 'decoderTexts' has 1 texts"
    ],
    ['logits of an encoder’s texts alone', compressionBound, { texts: '5,6,7' }, "line 1 of 'decoderTexts' is 1 token"]
  ] as never;
  test.each(refused)('refuses %s', async (_, analysis, given, message) => {
    const spec = validateSpec(analysis, given);
    await expect(analysis.compute(subject, spec, quiet, 0)).rejects.toThrow(message);
  });
});

test('decoder texts are for encoder–decoders', async () => {
  const subject = await open('gpt2', 'optimum');
  await expect(run(participationRatio, subject, { texts: '1,2,3', decoderTexts: '4' })).rejects.toThrow(
    "field 'decoderTexts' is for encoder–decoders, 'gpt2' is none"
  );
  await subject.close();
});
