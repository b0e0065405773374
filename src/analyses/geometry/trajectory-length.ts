import { curveLength } from '../../maths/curve-length';
import { matrix } from '../../maths/matrix';
import type { Context } from '../../subject/context';
import type { Intervention } from '../../subject/interventions/interventions';
import type { Input, Subject } from '../../subject/subject';
import { agree, count } from '../check';
import { floats } from '../floats';
import { blockHook, missingHook } from '../hooks';
import { input } from '../input';
import { ownInput, readingOf } from '../reading';
import { quiet } from '../quiet';
import { integer, text } from '../spec/spec';
import { BASELINE } from '../baseline';
import type { ProfileMeasure } from './profile';
import { profileAnalysis, type Measured } from './profile-analysis';
import { ONE_TEXT } from './profile-sources';
import { refusesStream, streamHooks } from './stream';

const MEASURES: readonly ProfileMeasure[] = [
  { title: 'length', unit: 'activation units' },
  { title: 'growth', unit: 'times the length before block 0' },
  { title: 'gate crossings', unit: 'per neuron and position' }
];

const SPEC = {
  ...ONE_TEXT,
  end: text({
    title: 'Other text',
    read: true,
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

interface Read {
  readonly points: number;
  readonly input: Input;
  readonly end: Input;
}

/** Crossings are of the block that ends at the place, NaN before block 0 and without an MLP. */
export const trajectoryLength = profileAnalysis({
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
  measures: MEASURES,
  assumes: ['softmax', 'norms', 'activations'],
  view: (opened, spec) => readingOf(opened, spec, spec.tower).subject,
  refuses: subject => refusesStream(subject) ?? missingHook(subject, gateHooks(subject)),
  cost(subject, spec) {
    const { ids } = ownInput(subject, spec);
    const hooks = [...streamHooks(subject), ...gateHooks(subject)];
    const list = [changed(subject, { op: 'scale', value: 1 })];
    const one = subject.cost({ ids: [ids], hooks, interventions: { list } });
    return { ...one, forwards: spec.points + 2 };
  },
  read(subject, spec): Read {
    const read = ownInput(subject, spec);
    return { points: spec.points, input: read, end: endOf(subject, read, spec.end) };
  },
  measured,
  keeps: (read: Read): Read => read,
  checks: { points: count, input, end: input },
  agrees: ({ input: { ids }, end }) => agree('result.end tokens', ids.length, end.ids.length),
  figures({ points, input: { ids } }, { rows, draw }) {
    const caption = `Along a segment of ${points} points between the embeddings of two texts of ${ids.length} tokens.`;
    const lengths = draw({
      title: 'Trajectory length',
      caption,
      y: 'length (times that before block 0)',
      log: true,
      measures: [1]
    });
    const crossings = () =>
      draw({ title: 'Gate crossings', caption, y: 'changes of sign per neuron and position', measures: [2] });
    return [lengths, ...(rows[2].some(value => !Number.isNaN(value)) ? [crossings()] : [])];
  },
  heading: ({ points, input: { ids } }) => [`Trajectory length: ${points} points, ${ids.length} tokens`]
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

async function measured(subject: Subject, { input: from, end, points }: Read, context: Context): Promise<Measured> {
  const start = blockHook(subject, 0, 'hook_resid_pre');
  const hooks = [...streamHooks(subject), ...gateHooks(subject)];
  const ends = await Promise.all(
    [from, end].map(async ({ ids }) =>
      (await subject.forward({ ids: [ids], hooks: [start] }, quiet(context))).get(start)
    )
  );
  const [a, b] = ends.map(one => floats(one, start));
  const totals = new Map(hooks.map(hook => [hook, 0]));
  let before: Map<string, Float32Array> | undefined;
  for (let i = 0; i < points; i++) {
    context.progress({ done: i, total: points, label: `point ${i + 1} of ${points}` });
    context.signal.throwIfAborted();
    const t = i / (points - 1);
    const value = { ...ends[0], type: 'float32' as const, data: a.map((one, at) => (1 - t) * one + t * b[at]) };
    const list = [changed(subject, { op: 'set', value })];
    const cache = await subject.forward({ ids: [from.ids], hooks, interventions: { list } }, quiet(context));
    const now = new Map(hooks.map(hook => [hook, floats(cache.get(hook), hook)]));
    hooks.forEach(hook => totals.set(hook, totals.get(hook)! + step(hook, before?.get(hook), now.get(hook)!)));
    before = now;
  }
  return { rows: profileOf(subject, totals, before!) };
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

/** [measure][place] */
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
