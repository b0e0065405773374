import { profileRows } from '../../../src/analyses/geometry/profile';
import { trajectoryLength } from '../../../src/analyses/geometry/trajectory-length';
import { validateSpec } from '../../../src/analyses/spec/validate-spec';
import { open, run } from '../circuits/lens';
import { MODELS, oracle } from './oracle';

interface Trajectory {
  readonly points: number;
  readonly lengths: readonly number[];
  readonly crossings: readonly number[];
}

const { collapse } = oracle<{ collapse: { ids: number[]; trajectories: Record<string, Trajectory> } }>();

// Two runtimes in single precision; a pre-activation within 1e-6 of 0 may count on one side alone: none of these does.
const RELATIVE = 1e-4;

test.each(MODELS)(
  '%s/%s.onnx: lengths and crossings as by PyTorch on the checkpoint’s own modules',
  async (family, style) => {
    const subject = await open(family, style);
    const { points, lengths, crossings } = collapse.trajectories[family];
    const result = await run(trajectoryLength, subject, { ids: collapse.ids, points });
    const [found, growth, switches] = profileRows(result.values);
    lengths.forEach((length, place) => {
      expect(Math.abs(found[place] / length - 1)).toBeLessThan(RELATIVE);
      expect(Math.abs(growth[place] / (length / lengths[0]) - 1)).toBeLessThan(RELATIVE);
    });
    expect(switches[0]).toBeNaN();
    crossings.forEach((value, layer) => expect(Math.abs(switches[layer + 1] - value)).toBeLessThan(1e-6));
    const spec = validateSpec(trajectoryLength, { ids: collapse.ids, points });
    expect(trajectoryLength.figures(result, spec)).toHaveLength(2);
    expect(trajectoryLength.summary(result, spec)).toContain('9 points, 12 tokens');
    await subject.close();
  }
);

test('a straight line keeps its length whatever the points; finer ones find no shorter image', async () => {
  const subject = await open('gpt2', 'optimum');
  const [coarse, fine] = await Promise.all(
    [5, 9].map(async points =>
      profileRows((await run(trajectoryLength, subject, { ids: [3, 1, 4, 1, 5], points })).values)
    )
  );
  expect(Math.abs(coarse[0][0] / fine[0][0] - 1)).toBeLessThan(1e-5);
  coarse[0].forEach((length, place) => expect(fine[0][place]).toBeGreaterThan(length * (1 - 1e-5)));
  await expect(run(trajectoryLength, subject, { ids: [3, 1, 3] })).rejects.toThrow(
    'both ends of the segment are the same tokens'
  );
  await subject.close();
});
