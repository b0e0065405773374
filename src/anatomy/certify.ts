import type { Model } from '../onnx/model';
import type { Tensor } from '../onnx/tensor';
import type { Weights } from '../onnx/weights';
import type { Anatomy, Hook, Tower } from './anatomy';
import type { Certificate, Identity } from './certificate';
import { DEPENDENCIES } from './dependencies';
import { IDENTITIES, type IdentityRow, type Rounding } from './identities';
import type { CheckContext, Outcome, Sides } from './identity';
import { matrixReader, type ReadMatrix } from './layer-maths';

/** What the probe's runs gave. */
export interface Captured {
  /** Hooks in their documented shapes, by their names in full. */
  readonly hooks: ReadonlyMap<string, Tensor>;
  /** The model's own outputs from the untouched and from the observed model, and the logits of the unembedding alone. */
  readonly bare: ReadonlyMap<string, Tensor>;
  readonly observed: ReadonlyMap<string, Tensor>;
  readonly suffix: ReadonlyMap<string, Tensor>;
}

export interface CertifyRequest {
  readonly anatomy: Anatomy;
  readonly model: Model;
  readonly weights: Weights;
  readonly captured: Captured;
  readonly probe: readonly (readonly number[])[];
  /** Runs made for it. */
  readonly forwards: number;
}

/**
 * Relative to the largest value of the file's side. float32: a product of some hundred terms is rounded to a few 1e-6, a sum to
 * 1e-7, and a wrong part is off by 1e-2 and more; ten times as much is allowed. float16 has 11 bits.
 */
const TOLERANCES: Readonly<Record<'float32' | 'float16', Readonly<Record<Rounding, number>>>> = {
  float32: { product: 5e-5, sum: 2e-6, softmax: 1e-5 },
  float16: { product: 2e-2, sum: 4e-3, softmax: 4e-3 }
};
const FLOAT16 = 10;
const BFLOAT16 = 16;

/** Checks every identity on what was captured. One side is the file's own tensor, the other computed in float64. */
export const certify = ({ anatomy, model, weights, captured, probe, forwards }: CertifyRequest): Certificate => {
  const read = remember(matrixReader(model, weights));
  const half = [...weights.names()].some(name => [FLOAT16, BFLOAT16].includes(weights.get(name)!.dataType));
  const tolerances = TOLERANCES[half ? 'float16' : 'float32'];
  const results = anatomy.towers.flatMap(tower => {
    const prefix = anatomy.towers.length > 1 ? `${tower.name}.` : '';
    const context = contextOf(tower, prefix, captured, probe, read);
    return IDENTITIES.flatMap(row => places(row, context, prefix).map(result => ({ row, ...result })));
  });
  const identities = [
    shapesIdentity(anatomy, captured, probe),
    ...IDENTITIES.flatMap(row =>
      summary(
        row,
        results.filter(result => result.row === row),
        tolerances[row.rounding]
      )
    )
  ];
  return { level: 'quick', identities, probe, forwards };
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

const contextOf = (
  tower: Tower,
  prefix: string,
  { hooks, bare, observed, suffix }: Captured,
  probe: CertifyRequest['probe'],
  read: ReadMatrix
): CheckContext => {
  const logits = tower.head?.logits ?? '';
  return {
    tower,
    probe,
    read,
    hook: name => hooks.get(prefix + name),
    logits: { bare: bare.get(logits), observed: observed.get(logits), suffix: suffix.get(logits) }
  };
};

interface Place {
  readonly at: string;
  readonly outcome: Outcome;
}

const places = (row: IdentityRow, context: CheckContext, prefix: string): readonly Place[] =>
  row.scope === 'model'
    ? [{ at: prefix || 'model', outcome: row.check(context) }]
    : context.tower.blocks.map((block, layer) => ({
        at: `${prefix}blocks.${layer}`,
        outcome: row.check(context, block, layer)
      }));

/** One identity over all its places; none where no place has the part. */
const summary = (row: IdentityRow, found: readonly Place[], tolerance: number): readonly Identity[] => {
  const there = found.filter(({ outcome }) => outcome !== undefined);
  const refused = there.find(({ outcome }) => typeof outcome === 'string');
  if (there.length === 0) {
    return [];
  }
  const measured = there.flatMap(({ at, outcome }) =>
    typeof outcome === 'object' ? [{ at, error: deviation(outcome) }] : []
  );
  const worst = measured.reduce((a, b) => (b.error > a.error ? b : a), { at: there[0].at, error: 0 });
  const fails = measured.filter(({ error }) => !(error <= tolerance)).map(({ at }) => at);
  return [
    {
      name: row.name,
      error: worst.error,
      tolerance,
      holds: fails.length === 0 && !refused,
      at: worst.at,
      ...(fails.length > 0 && { fails }),
      ...(refused && { why: `${refused.at}: ${refused.outcome as string}` })
    }
  ];
};

/** Largest |file − computed|, relative to the largest |file|; infinite where one side is not a number or too short. */
const deviation = ({ file, computed, where }: Sides): number => {
  if (file.length !== computed.length) {
    return Infinity;
  }
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < file.length; i++) {
    if (!where || where(i)) {
      const difference = Math.abs(file[i] - computed[i]);
      worst = difference <= worst ? worst : Number.isNaN(difference) ? Infinity : difference;
      largest = Math.max(largest, Math.abs(file[i]));
    }
  }
  return worst === 0 ? 0 : worst / (largest || 1);
};

/** Every captured hook has its documented shape. */
const shapesIdentity = (anatomy: Anatomy, { hooks }: Captured, probe: CertifyRequest['probe']): Identity => {
  const sizes: Readonly<Record<string, number>> = {
    batch: probe.length,
    pos: probe[0].length,
    query_pos: probe[0].length,
    key_pos: probe[0].length
  };
  const fails = anatomy.hooks.filter(({ name, shape }) => {
    const dims = hooks.get(name)?.dims;
    return dims && dims.join() !== shape.map(size => (typeof size === 'number' ? size : sizes[size])).join();
  });
  return {
    name: 'hooks-have-their-shapes',
    error: fails.length,
    tolerance: 0,
    holds: fails.length === 0,
    ...(fails.length > 0 && { fails: fails.map(({ name }) => name), at: fails[0].name })
  };
};

/**
 * The anatomy with every hook judged: unavailable when an identity that it depends on fails in its block, unverified when one
 * could not be checked or the hook was not captured, else verified.
 */
export const applyCertificate = (anatomy: Anatomy, certificate: Certificate): Anatomy => {
  const identities = new Map(certificate.identities.map(identity => [identity.name, identity]));
  return { ...anatomy, hooks: anatomy.hooks.map(hook => judge(hook, anatomy, identities)) };
};

const judge = (hook: Hook, anatomy: Anatomy, identities: ReadonlyMap<string, Identity>): Hook => {
  if (!hook.source) {
    return hook;
  }
  const known = dependenciesOf(hook.name).flatMap(name => identities.get(name) ?? []);
  const failed = known.find(identity => identity.fails?.some(at => touches(at, identity.name, hook.name, anatomy)));
  if (failed) {
    const { source: _, ...rest } = hook;
    return {
      ...rest,
      status: 'unavailable',
      why: `identity '${failed.name}' fails at ${failed.at} by ${failed.error}`
    };
  }
  const open = known.find(({ why }) => why !== undefined);
  if (open || known.every(({ name }) => ALWAYS.includes(name))) {
    const why = open
      ? `identity '${open.name}' could not be checked: ${open.why}`
      : 'no identity of the quick certificate covers it in this model';
    return { ...hook, status: 'unverified', why };
  }
  const { why: _, ...rest } = hook;
  return { ...rest, status: 'verified' };
};

/** What every hook depends on. */
const ALWAYS = ['hooks-have-their-shapes', 'logits-unchanged-by-surgery'];

const dependenciesOf = (name: string): readonly string[] => [
  ...ALWAYS,
  ...(DEPENDENCIES.find(([end]) => name.endsWith(end))?.[1] ?? [])
];

/**
 * A failure at `at` speaks against a hook: one of the same block, or, for an identity of the whole model, one outside the
 * blocks or at the end of the blocks that the identity ties to the rest.
 */
const touches = (at: string, identity: string, hook: string, anatomy: Anatomy): boolean => {
  const several = anatomy.towers.length > 1;
  const prefix = several ? `${hook.split('.', 1)[0]}.` : '';
  const block = /^(?:[^.]+\.)?blocks\.(\d+)\./.exec(hook)?.[1];
  if (at === hook || (block !== undefined && at === `${prefix}blocks.${block}`)) {
    return true;
  }
  const { layers } = anatomy.towers.find(({ name }) => several && prefix === `${name}.`) ?? anatomy.towers[0];
  const edge = identity.startsWith('embedding') ? 0 : layers - 1;
  return at === (prefix || 'model') && (block === undefined || ALWAYS.includes(identity) || Number(block) === edge);
};
