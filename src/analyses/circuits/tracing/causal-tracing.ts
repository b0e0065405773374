import { random } from '../../../maths/random';
import { resamples } from '../../../maths/bootstrap';
import type { Context } from '../../../subject/context';
import type { Subject } from '../../../subject/subject';
import type { SweepRequest } from '../../../subject/sweep';
import { analysis } from '../../analysis';
import type { Check } from '../../check';
import { count, flag, gappedTensor, list, number, object, oneOf, optional, text } from '../../check';
import { computedCells, paced } from '../../patching/effects';
import { blockHook, missingHook } from '../../hooks';
import { input } from '../../input';
import { METRICS, type MetricId } from '../../patching/metric';
import { metricReferences } from '../../patching/metric-references';
import { quiet } from '../../quiet';
import { refusesLogits } from '../../refuses-logits';
import { MAX_IDS } from '../../spec/spec';
import { conditionsOf, requestOf, TRACING, tracingPlan, type TracingPlan, type TracingSpec } from './tracing-plan';
import { Readings, TRACING_DIMS, tracingTable } from './tracing-table';
import { columnsOf, TRACED_BY, TRACED_HOOKS, tracingFigures, tracingSummary, type CausalTracing } from './tracing-view';

/** Of the bootstrap over prompts. */
const RESAMPLES = 2000;

const FIELDS: Check<CausalTracing> = object<CausalTracing>({
  values: gappedTensor(TRACING_DIMS),
  low: gappedTensor(TRACING_DIMS),
  high: gappedTensor(TRACING_DIMS),
  baselines: list(object({ clean: number, corrupted: number }), 2),
  normalised: flag,
  done: count,
  by: oneOf(...TRACED_BY),
  metric: oneOf(...(Object.keys(METRICS) as MetricId[])),
  layers: list(count),
  heads: count,
  mlp: flag,
  prompts: count,
  lengths: list(count, 256),
  clean: input,
  corrupted: list(input, 2),
  hook: optional(oneOf(...TRACED_HOOKS)),
  columns: optional(list(text, MAX_IDS))
});

export const causalTracing = analysis<typeof TRACING, CausalTracing>({
  id: 'causal-tracing',
  title: 'Causal tracing',
  description:
    'Effects of patching each head over a set of prompts, with intervals: two counterfactuals and both directions side by side.',
  family: 'circuits',
  theory: {
    kind: 'causal',
    statement:
      'Each part’s output is exchanged between the clean and the corrupted run: denoising puts the clean value into the corrupted run and says what share of the difference it restores, noising the corrupted value into the clean run and says what share is lost. The mean over the prompts is given with the 95 % percentile interval of 2,000 resamples of the prompts (Efron 1979); the divisor, clean − corrupted, is held at its mean.',
    caveat:
      'Denoising finds what suffices, noising what is needed: a part that others back up shows in the first alone, one of several that are all needed in the second alone. Each counterfactual shows only what it changes. The interval says how far another sample of such prompts might lie, and nothing of other prompts; among many parts a few intervals leave out zero by chance.',
    references: [
      'Vig et al. 2020, arXiv 2004.12265',
      'Meng et al. 2022, arXiv 2202.05262',
      'Heimersheim & Nanda 2024, arXiv 2404.15255',
      'Zhang & Nanda 2023, arXiv 2309.16042'
    ]
  },
  spec: TRACING,
  refuses: subject =>
    refusesLogits(subject) ??
    missingHook(subject, [blockHook(subject, 0, 'attn.hook_z'), blockHook(subject, 0, 'hook_attn_out')]),
  cost(subject, spec) {
    const planned = tracingPlan(subject, spec);
    const each = conditionsOf(planned).flatMap(condition =>
      planned.groups.map(group => subject.sweepCost(requestOf(spec, planned, group, condition)))
    );
    return {
      forwards: each.reduce((sum, { forwards }) => sum + forwards, 0),
      bytes: Math.max(...each.map(({ bytes }) => bytes)),
      work: each.reduce((sum, { work }) => sum + work, 0),
      ...(each.every(({ seconds }) => seconds !== undefined) && {
        seconds: each.reduce((sum, { seconds = 0 }) => sum + seconds, 0)
      })
    };
  },
  compute: (subject, spec, context, seed) => compute(subject, spec, context, seed),
  completion: ({ done, values }) => ({ done, total: values.shape.reduce((product, size) => product * size, 1) }),
  validateResult(value) {
    const result = FIELDS(value, 'result');
    const shape = [2 * result.corrupted.length, result.layers.length, columnsOf(result).length];
    for (const { shape: own } of [result.values, result.low, result.high]) {
      if (own.join() !== shape.join() || shape.includes(0)) {
        throw new Error(`'result': effects of shape [${own.join(', ')}] where [${shape.join(', ')}] belongs`);
      }
    }
    if (result.baselines.length !== result.corrupted.length || result.prompts === 0) {
      throw new Error(`'result.baselines': ${result.baselines.length} where ${result.corrupted.length} belong`);
    }
    return result;
  },
  figures: result => tracingFigures(result),
  summary: result => tracingSummary(result)
});

async function compute(subject: Subject, spec: TracingSpec, context: Context, seed: number): Promise<CausalTracing> {
  const planned = tracingPlan(subject, spec);
  const readings = new Readings(planned);
  await readBaselines(subject, spec, planned, readings, context);
  const table = tracingTable(planned, readings, spec.normalise, resamples(planned.count, RESAMPLES, random(seed)));
  const earlier = context.earlier as CausalTracing | undefined;
  const isDone = computedCells(earlier);
  if (earlier) {
    table.resume(earlier);
  }
  const conditions = conditionsOf(planned);
  const total = conditions.length * planned.groups.length;
  const offer = paced(context, table.result);
  for (const [at, condition] of conditions.entries()) {
    const cells = planned.patches.map((_, cell) => cell).filter(cell => !isDone(at * planned.patches.length + cell));
    for (const [step, group] of planned.groups.entries()) {
      const label = `sweep ${at * planned.groups.length + step + 1} of ${total}`;
      const prompts = group[condition.counterfactual];
      const references = await metricReferences(subject, spec.metric, prompts, context);
      const request = requestOf(spec, planned, group, condition, references);
      await subject.sweep(
        {
          ...request,
          patches: cells.map(cell => request.patches[cell]),
          onPatch: (index, values) => {
            prompts.forEach((prompt, row) => (readings.patched[at][cells[index]][prompt.index] = values[row]));
            table.put(at, cells[index]);
            offer();
          }
        },
        { ...context, progress: ({ done, total: all }) => context.progress({ done, total: all, label }) }
      );
    }
  }
  return table.result();
}

/** The metric of every run without a patch: an empty sweep reads both. */
async function readBaselines(
  subject: Subject,
  spec: TracingSpec,
  planned: TracingPlan,
  readings: Readings,
  context: Context
): Promise<void> {
  for (const group of planned.groups) {
    for (let counterfactual = 0; counterfactual < planned.counterfactuals; counterfactual++) {
      const prompts = group[counterfactual];
      const references = await metricReferences(subject, spec.metric, prompts, context);
      const request = requestOf(spec, planned, group, { counterfactual, denoising: false }, references);
      const onStart: SweepRequest['onStart'] = (base, source) =>
        prompts.forEach(({ index }, row) => {
          readings.clean[index] = base[row];
          readings.corrupted[counterfactual][index] = source![row];
        });
      await subject.sweep({ ...request, patches: request.patches.slice(0, 1), onStart }, quiet(context));
    }
  }
}
