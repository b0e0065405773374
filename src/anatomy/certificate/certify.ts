import type { Model } from '../../onnx/model';
import type { Weights } from '../../onnx/weights';
import type { Anatomy, Block, Tower } from '../anatomy';
import type { AttentionPart } from './attention-part';
import type { Captured, Further } from './captured';
import type { Certificate, Identity, Place } from './certificate';
import { deviation, largestOf } from './deviation';
import { IDENTITIES, type IdentityRow, type Rounding } from './identities';
import type { CheckContext, FileContext, Found, Outcome } from './identity';
import { matrixReader, type ReadMatrix } from './layer-maths';
import { notFinite } from './not-finite';
import { coarsest, precisionOf, type Precision } from './precision';
import { routesOf, type RouteBetween } from './routes';
import type { Sampling } from './sampling';

type Rows = readonly (readonly number[])[];

export interface CertifyRequest {
  readonly anatomy: Anatomy;
  readonly model: Model;
  readonly weights: Weights;
  readonly captured: Captured;
  readonly probe: Rows;
  /** What the sequences besides the first tower's held, by their inputs. */
  readonly others?: Readonly<Record<string, Rows>>;
  /** The hooks were captured at these places alone. */
  readonly sampling?: Sampling;
  /** Makes the certificate a full one: every row of every projection, and what these runs show. */
  readonly further?: Further;
  /** Runs made for it. */
  readonly forwards: number;
}

/**
 * Relative to the largest value of the file's side. float32: a product of some hundred terms is rounded to a few 1e-6, a sum to
 * 1e-7, and a wrong part is off by 1e-2 and more; ten times as much is allowed. float16 has 11 significant bits, bfloat16 8; a
 * softmax is off by what its scores are: those of 16 are rounded by 2⁻⁸ in float16.
 */
export const TOLERANCES: Readonly<Record<Precision, Readonly<Record<Rounding, number>>>> = {
  float32: { product: 5e-5, sum: 2e-6, softmax: 1e-5, exact: 0 },
  float16: { product: 2e-2, sum: 4e-3, softmax: 1e-2, exact: 0 },
  bfloat16: { product: 1.6e-1, sum: 3.2e-2, softmax: 8e-2, exact: 0 }
};

/** Checks every identity on what was captured. One side is the file's own tensor, the other computed in float64. */
export const certify = (request: CertifyRequest): Certificate => {
  const { anatomy, model, weights, captured, probe, others = {}, sampling, further, forwards } = request;
  const read = remember(matrixReader(model, weights, true));
  const precision = precisionOf(model);
  const between = routesOf(model, read);
  const sources = new Map(anatomy.hooks.map(({ name, source }) => [name, source?.tensor ?? name] as const));
  const route: RouteBetween = (from, to, meeting) => between(sources.get(from) ?? from, sources.get(to) ?? to, meeting);
  const toleranceOf = (row: IdentityRow, { hooks = [], tensors = [] }: Found): number =>
    TOLERANCES[coarsest([...hooks.map(hook => sources.get(hook) ?? hook), ...tensors].map(precision))][row.rounding];
  const runs = [{ captured, probe, others }, ...(further?.other ? [{ others: {}, ...further.other }] : [])].map(
    run => ({
      ...run,
      strange: notFinite(inOrder(run.captured.hooks, sources, model))
    })
  );
  const placesOf = (row: IdentityRow, run: (typeof runs)[number]): readonly Place[] =>
    foundOf(row, { ...run, anatomy, ...(further && { further }), ...(sampling && { sampling }) }, read, route).map(
      found => placeOf(found, toleranceOf(row, found), run.strange)
    );
  const identities = IDENTITIES.flatMap(row =>
    row.level === 'full' && !further
      ? []
      : summary(
          row,
          (row.level === 'full' ? runs.slice(0, 1) : runs).flatMap(run => placesOf(row, run))
        )
  );
  return {
    level: further ? 'full' : 'quick',
    identities,
    probe,
    ...(Object.keys(others).length > 0 && { others }),
    forwards
  };
};

const foundOf = (row: IdentityRow, file: FileContext, read: ReadMatrix, route: RouteBetween): readonly Found[] =>
  row.scope === 'file'
    ? row.check(file)
    : file.anatomy.towers.flatMap(tower => {
        const prefix = file.anatomy.towers.length > 1 ? `${tower.name}.` : '';
        return inTower(row, contextOf(tower, prefix, file, read, route), prefix);
      });

type Hooks = Captured['hooks'];

/** In the order of computation, so that the first that is wrong is named first. */
const inOrder = (hooks: Hooks, sources: ReadonlyMap<string, string>, { graph }: Model): Hooks => {
  const made = new Map(graph.nodes.flatMap(({ outputs }, at) => outputs.map(output => [output, at] as const)));
  const place = (hook: string): number => made.get(sources.get(hook) ?? '') ?? -1;
  return new Map([...hooks].sort(([a], [b]) => place(a) - place(b)));
};

/** Weights shared by layers are converted once; the last few are kept. */
const remember = (read: ReadMatrix): ReadMatrix => {
  let last: { readonly name: string; readonly matrix: ReturnType<ReadMatrix> } | undefined;
  return (name, rows) => {
    if (rows) {
      return read(name, rows);
    }
    if (last?.name !== name) {
      last = { name, matrix: read(name) };
    }
    return last.matrix;
  };
};

type MakeContext = (hooks: Set<string>, tensors: Set<string>) => CheckContext;

/** Contexts that note what is read through them. */
const contextOf =
  (
    tower: Tower,
    prefix: string,
    { captured, probe, others, further, sampling }: FileContext,
    read: ReadMatrix,
    route: RouteBetween
  ): MakeContext =>
  (hooks, tensors) => ({
    tower,
    probe: others[tower.embedding?.ids ?? ''] ?? probe,
    whole: further !== undefined,
    ...(sampling && tower.content?.input === sampling.input && { places: sampling.places }),
    read: (name, rows) => {
      tensors.add(name);
      return read(name, rows);
    },
    hook: name => {
      hooks.add(prefix + name);
      return captured.hooks.get(prefix + name);
    },
    route: (from, to, meeting) => {
      const own = (name: string): string => (captured.hooks.has(prefix + name) ? prefix + name : name);
      return route(own(from), own(to), meeting);
    },
    fed: name => captured.fed.get(name),
    output: (name, of) => {
      tensors.add(name);
      return captured[of].get(name);
    }
  });

/** A row's check in every place of a tower that has the part. */
const inTower = (row: Exclude<IdentityRow, { scope: 'file' }>, make: MakeContext, prefix: string): readonly Found[] => {
  const found = (at: string, check: (context: CheckContext) => Outcome): readonly Found[] => {
    const [hooks, tensors] = [new Set<string>(), new Set<string>()];
    const outcome = check(make(hooks, tensors));
    return outcome === undefined ? [] : [{ at, hooks: [...hooks], tensors: [...tensors], outcome }];
  };
  if (row.scope === 'model') {
    return found(prefix || 'model', row.check);
  }
  const { blocks } = make(new Set(), new Set()).tower;
  if (row.scope === 'block') {
    return blocks.flatMap((block, layer) =>
      found(`${prefix}blocks.${layer}`, context => row.check(context, block, layer))
    );
  }
  return blocks.flatMap((block, layer) =>
    attentionsOf(block).flatMap(part => {
      const at = `${prefix}blocks.${layer}${part.name === 'attn' ? '' : `.${part.name}`}`;
      return found(at, context => row.check(context, part, layer));
    })
  );
};

const attentionsOf = (block: Block): readonly AttentionPart[] => [
  { name: 'attn', attention: block.attention, block },
  ...(block.cross ? [{ name: 'cross_attn', attention: block.cross, block } as const] : [])
];

/** Of the largest number: what is rounded so coarsely tells nothing of how it was made. */
const COARSE = 0.5;

/** What was found, measured. A hook that is no number speaks against whatever reads it. */
const placeOf = (found: Found, tolerance: number, strange: ReadonlyMap<string, string>): Place => {
  const { at, hooks, outcome } = found;
  const bad = hooks?.find(hook => strange.has(hook));
  const because = found.because ?? (bad !== undefined ? `'${bad}' has ${strange.get(bad)}` : undefined);
  const error = bad !== undefined ? Infinity : typeof outcome === 'object' ? deviation(outcome) : outcome;
  const rounded = typeof outcome === 'object' && outcome.slack ? outcome.slack / (largestOf(outcome) || 1) : 0;
  if (rounded >= COARSE && error !== Infinity) {
    return { at, ...(hooks && { hooks }), why: 'the file rounds it in steps as coarse as its numbers' };
  }
  return {
    at,
    ...(hooks && { hooks }),
    ...(typeof error === 'number' ? { error, tolerance: tolerance + rounded } : { why: error }),
    ...(because !== undefined && { because })
  };
};

/** One identity over all its places; none where no place has the part. */
const summary = (row: IdentityRow, places: readonly Place[]): readonly Identity[] => {
  if (places.length === 0) {
    return [];
  }
  const worst = places.reduce((a, b) => (share(b) > share(a) ? b : a));
  const fails = places.filter(failed).map(({ at }) => at);
  const open = places.find(({ why }) => why !== undefined);
  return [
    {
      name: row.name,
      error: worst.error ?? 0,
      tolerance: worst.tolerance ?? TOLERANCES.float32[row.rounding],
      holds: fails.length === 0 && !open,
      at: worst.at,
      ...(fails.length > 0 && { fails }),
      ...(open && { why: `${open.at}: ${open.why}` }),
      places
    }
  ];
};

/** The error as a part of what is allowed. */
const share = ({ error, tolerance = 0 }: Place): number =>
  error === undefined ? -1 : error === 0 ? 0 : error / (tolerance || Number.MIN_VALUE);

export const failed = ({ error, tolerance = 0 }: Place): boolean => error !== undefined && !(error <= tolerance);
