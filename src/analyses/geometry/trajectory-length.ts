import { curveLength } from '../../maths/curve-length';
import { matrix } from '../../maths/matrix';
import type { Context } from '../../subject/context';
import type { Intervention } from '../../subject/interventions';
import type { Input, Subject } from '../../subject/subject';
import { analysis } from '../analysis';
import { agree, count, object, type Check } from '../check';
import { INPUT } from '../fields';
import { floats } from '../floats';
import { blockHook, missingHook } from '../hooks';
import { input, inputOf } from '../input';
import { quiet } from '../quiet';
import { integer, text } from '../spec';
import {
  agreePlaces,
  BASELINE,
  baselineRows,
  baselineWords,
  checkBaseline,
  withBaseline,
  withShuffled,
  type Baseline
} from './baseline';
import { checkProfile, encodeProfile, profileRows, type Profile, type ProfileMeasure } from './profile';
import { profileFigure, profileLines } from './profile-view';
import { refusesStream, streamHooks } from './stream';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'length', unit: 'activation units' },
  { title: 'growth', unit: 'times the length before block 0' },
  { title: 'gate crossings', unit: 'per neuron and position' }
];

export interface TrajectoryLength {
  /** [measure, place]; crossings are of the block that ends at the place, NaN before block 0 and without an MLP. */
  readonly values: Profile;
  readonly baseline: Baseline;
  readonly points: number;
  readonly input: Input;
  readonly end: Input;
}

const SPEC = {
  ...INPUT,
  end: text({
    title: 'Other text',
    description: 'Where the segment ends; as many tokens as the text. Absent: the text’s own tokens in reverse order.',
    maxLength: 20000
  }),
  points: integer({
    title: 'Points',
    description: 'Of the segment, its ends included.',
    default: 33,
    minimum: 3,
    maximum: 401
  }),
  ...BASELINE
};

const FIELDS: Check<TrajectoryLength> = object<TrajectoryLength>({
  values: checkProfile(MEASURES.length),
  baseline: checkBaseline(MEASURES.length),
  points: count,
  input,
  end: input
});

export const trajectoryLength = analysis<typeof SPEC, TrajectoryLength>({
  id: 'trajectory-length',
  title: 'Trajectory length',
  description:
    'How a straight line between two texts’ embeddings bends from block to block: its length, and how often MLP neurons switch along it.',
  family: 'expressivity',
  measure: 'E6, E7',
  theory: {
    kind: 'identity',
    statement:
      'The stream before block 0 is set to points of the segment between two texts’ values; measured is the length Σ‖X(tᵢ₊₁) − X(tᵢ)‖ of the polygon at each place. Random networks lengthen it exponentially with depth (Raghu et al. 2017). Gate crossings: changes of sign of MLP pre-activations along the segment, for ReLU boundaries of linear regions, whose number on a line grows only linearly with the number of neurons (Hanin & Rolnick 2019).',
    caveat:
      'Of a polygon of so many points: more points give a longer line and find more crossings. Transformers are not piecewise linear (softmax, norms, smooth activations), so that crossings are switches of gates, not linear regions. Points between two embeddings are no text. Lengths of pre-norm streams grow with their norm.',
    references: ['Raghu et al. 2017, arXiv 1606.05336', 'Hanin & Rolnick 2019, arXiv 1901.09021']
  },
  spec: SPEC,
  refuses: subject => refusesStream(subject) ?? missingHook(subject, gateHooks(subject)),
  cost(subject, spec) {
    const { ids } = inputOf(subject, spec);
    const hooks = [...streamHooks(subject), ...gateHooks(subject)];
    const list = [changed(subject, { op: 'scale', value: 1 })];
    const one = subject.cost({ ids: [ids], hooks, interventions: { list } });
    return withBaseline(subject, spec, { ...one, forwards: spec.points + 2 });
  },
  async compute(subject, spec, context, seed) {
    const read = inputOf(subject, spec);
    const end = endOf(subject, read, spec.end);
    const { own, baseline } = await withShuffled(
      subject,
      spec,
      context,
      seed,
      (model, steps) => measured(model, read.ids, end.ids, spec.points, steps),
      rows => rows
    );
    return { values: encodeProfile(own), baseline, points: spec.points, input: read, end };
  },
  validateResult(value) {
    const result = agreePlaces(FIELDS(value, 'result'));
    agree('result.end tokens', result.input.ids.length, result.end.ids.length);
    return result;
  },
  figures(result) {
    const rows = profileRows(result.values);
    const beside = baselineRows(result.baseline);
    const words = `Along a segment of ${result.points} points between the embeddings of two texts of ${result.input.ids.length} tokens.${baselineWords(result.baseline)}`;
    const one = (m: number, title: string, y: string, log?: true) =>
      profileFigure({
        title,
        caption: words,
        y,
        ...(log && { log }),
        measures: [MEASURES[m]],
        rows: [rows[m]],
        baseline: beside.slice(m, m + 1)
      });
    return [
      one(1, 'Trajectory length', 'length (times that before block 0)', true),
      ...(rows[2].some(value => !Number.isNaN(value))
        ? [one(2, 'Gate crossings', 'changes of sign per neuron and position')]
        : [])
    ];
  },
  summary: ({ values, points, input: { ids } }) =>
    [`Trajectory length: ${points} points, ${ids.length} tokens`, ...profileLines(MEASURES, profileRows(values))].join(
      '\n'
    )
});

/** MLP pre-activations whose sign gates, of each block that has an MLP. */
const gateHooks = (subject: Subject): string[] =>
  subject.tower.blocks.flatMap(({ mlp }, layer) => (mlp?.pre ? [blockHook(subject, layer, 'mlp.hook_pre')] : []));

function endOf(subject: Subject, read: Input, given: string | undefined): Input {
  const end = given?.trim() ? subject.input({ text: given }) : subject.input({ ids: [...read.ids].reverse() });
  if (end.ids.length !== read.ids.length) {
    throw new Error(`field 'end' has ${end.ids.length} tokens, the text has ${read.ids.length}: both need the same`);
  }
  if (end.ids.every((id, i) => id === read.ids[i])) {
    throw new Error('trajectory length: both ends of the segment are the same tokens');
  }
  return end;
}

const changed = (subject: Subject, what: Pick<Intervention, 'op' | 'value'>): Intervention => ({
  hook: blockHook(subject, 0, 'hook_resid_pre'),
  ...what
});

/** [measure][place] */
async function measured(
  subject: Subject,
  from: readonly number[],
  to: readonly number[],
  points: number,
  context: Context
): Promise<number[][]> {
  const start = blockHook(subject, 0, 'hook_resid_pre');
  const hooks = [...streamHooks(subject), ...gateHooks(subject)];
  const ends = await Promise.all(
    [from, to].map(async ids => (await subject.forward({ ids: [ids], hooks: [start] }, quiet(context))).get(start))
  );
  const [a, b] = ends.map(end => floats(end, start));
  const totals = new Map(hooks.map(hook => [hook, 0]));
  let before: Map<string, Float32Array> | undefined;
  for (let i = 0; i < points; i++) {
    context.progress({ done: i, total: points, label: `point ${i + 1} of ${points}` });
    context.signal.throwIfAborted();
    const t = i / (points - 1);
    const value = { ...ends[0], type: 'float32' as const, data: a.map((one, at) => (1 - t) * one + t * b[at]) };
    const list = [changed(subject, { op: 'set', value })];
    const cache = await subject.forward({ ids: [from], hooks, interventions: { list } }, quiet(context));
    const now = new Map(hooks.map(hook => [hook, floats(cache.get(hook), hook)]));
    hooks.forEach(hook => totals.set(hook, totals.get(hook)! + step(hook, before?.get(hook), now.get(hook)!)));
    before = now;
  }
  return profileOf(subject, totals, before!);
}

/** What one piece of the segment adds: a length of the stream, or changes of sign. */
function step(hook: string, before: Float32Array | undefined, now: Float32Array): number {
  if (!before) {
    return 0;
  }
  return hook.endsWith('mlp.hook_pre')
    ? now.reduce((sum, value, at) => sum + Number(value > 0 !== before[at] > 0), 0)
    : curveLength(matrix(2, now.length, [...before, ...now]));
}

function profileOf(
  subject: Subject,
  totals: ReadonlyMap<string, number>,
  last: ReadonlyMap<string, Float32Array>
): number[][] {
  const lengths = streamHooks(subject).map(hook => totals.get(hook)!);
  const crossings = subject.tower.blocks.map(({ mlp }, layer) => {
    const hook = blockHook(subject, layer, 'mlp.hook_pre');
    return mlp?.pre ? totals.get(hook)! / last.get(hook)!.length : NaN;
  });
  return [lengths, lengths.map(length => (lengths[0] > 0 ? length / lengths[0] : NaN)), [NaN, ...crossings]];
}
