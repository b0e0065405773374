import type { Anatomy, Tower } from '../../anatomy/anatomy';
import type { Model } from '../../onnx/model';
import type { Tensor } from '../../onnx/tensor';
import type { Weights } from '../../onnx/weights';
import type { Prepared } from '../../runtime/runtime';
import type { Feedable } from '../feeds';
import { servedHook } from '../hook-names';
import type { ModelFacts, Subject } from '../subject';
import type { SweepCost, SweepRequest, SweepResult } from '../sweep';
import { exactCost, exactPathCost, isExact } from './cost';
import { sweepExact, type Exact } from './exact';
import { pathsAreSums, pathSweepExact } from './exact-paths';
import { unembedColumns } from './unembed-columns';
import { createUnits, type Units } from './units';
import { logitsOf, SWEEP_ROWS, sweepWhole, type Whole } from './whole';
import { checkPath, pathSweepWhole } from './whole-paths';

/** What sweeps need of an open model. */
export interface SweeperParts {
  readonly facts: ModelFacts;
  readonly model: Model;
  readonly weights: Weights;
  readonly anatomy: Anatomy;
  readonly tower: Tower;
  readonly inputs: readonly Feedable[];
  readonly prepare: (model: Model) => Promise<Prepared>;
  readonly forward: Subject['forward'];
  readonly unembed: ((residual: Tensor) => Promise<Tensor>) | undefined;
  /** Rows of a run do not change one another. */
  readonly batches: boolean;
}

export type Sweeper = Pick<Subject, 'sweep' | 'sweepCost' | 'pathSweep' | 'pathSweepCost'> & {
  release(): Promise<void>;
};

/** The exact way where the file can be cut into pieces that give its own numbers, else whole forwards. Pieces are kept for the next sweep. */
export const createSweeper = (parts: SweeperParts): Sweeper => {
  const { anatomy, tower, facts, forward } = parts;
  const whole: Whole = { anatomy, tower, facts, forward };
  let exact: Exact | undefined;
  let impossible = !parts.batches || parts.unembed === undefined;
  const prepared = (): Exact | undefined => {
    if (!impossible && exact === undefined) {
      exact = prepareExact(parts);
      impossible = exact === undefined;
    }
    return exact;
  };
  const drop = async (): Promise<void> => {
    const units = exact?.units;
    exact = undefined;
    await units?.release();
  };
  /** `run` on the pieces; whole forwards from the first time on that they are not the model's own numbers. */
  const attempt = async (
    possible: boolean,
    run: (exact: Exact) => Promise<SweepResult>,
    otherwise: () => Promise<SweepResult>
  ): Promise<SweepResult> => {
    const found = possible ? prepared() : undefined;
    try {
      return await (found ? run(found) : otherwise());
    } catch (error) {
      if (!found || !isCutError(error)) {
        throw error;
      }
      impossible = true;
      await drop();
      return otherwise();
    }
  };
  const blocks = blockBytes(parts);
  const size = sizeOf(parts);
  return {
    sweepCost: request =>
      !impossible && isExact(request.patches)
        ? exactCost(tower, request, blocks)
        : wholeCost(size, request.base, request.patches.length),
    pathSweepCost: request =>
      !impossible && pathsAreSums({ tower }, request)
        ? exactPathCost(tower, request, blocks)
        : wholeCost(size, request.base, 2 * request.paths.length),
    sweep: async (request, context) => {
      request.patches.forEach(({ hook }) => servedHook(anatomy, hook, false));
      return attempt(
        isExact(request.patches),
        found => sweepExact(found, request, context),
        () => sweepWhole(whole, request, context)
      );
    },
    pathSweep: async (request, context) => {
      request.paths.forEach(({ sender, receivers }) => {
        checkPath({ tower }, servedHook(anatomy, sender.hook, false).name, receivers);
        (receivers === 'logits' ? [] : receivers).forEach(({ hook }) => servedHook(anatomy, hook, false));
      });
      return attempt(
        pathsAreSums({ tower }, request),
        found => pathSweepExact(found, request, context),
        () => pathSweepWhole(whole, request, context)
      );
    },
    release: drop
  };
};

/** Numbers of the model's matrices, and columns of its logits. */
interface Size {
  readonly weights: number;
  readonly vocabulary: number;
}

const sizeOf = ({ model, tower }: SweeperParts): Size => ({
  weights: model.graph.initializers.reduce(
    (sum, { dims }) => sum + (dims.length > 1 ? dims.reduce((product, dim) => product * dim, 1) : 0),
    0
  ),
  vocabulary: tower.dVocab ?? 0
});

/** Bytes of the matrices that blocks read: those of the model but for its tables, which no piece holds. */
const blockBytes = ({ weights, tower }: SweeperParts): number => {
  const tables = new Set([tower.embedding?.weight, tower.head?.unembed.weight]);
  return [...weights.names()].reduce((sum, name) => sum + (tables.has(name) ? 0 : weights.get(name)!.bytes.length), 0);
};

/** Of the naive loop: a whole forward a patch and prompt, and the logits of one run at every position. */
const wholeCost = ({ weights, vocabulary }: Size, base: SweepRequest['base'], patches: number): SweepCost => {
  const tokens = base[0]?.length ?? 0;
  const forwards = patches * base.length;
  return {
    forwards,
    operations: 2 * weights * tokens * forwards,
    bytes: SWEEP_ROWS * tokens * vocabulary * 4,
    method: 'whole'
  };
};

const FLOAT16 = 10;

const prepareExact = (parts: SweeperParts): Exact | undefined => {
  const { model, weights, anatomy, tower, inputs, prepare, forward, unembed } = parts;
  const half = [...weights.names()].some(name => weights.get(name)!.dataType === FLOAT16);
  let units: Units;
  try {
    units = createUnits({ model, weights, anatomy, tower, inputs, prepare, type: half ? 'float16' : 'float32' });
  } catch (error) {
    if (isCutError(error)) {
      return undefined;
    }
    throw error;
  }
  return {
    units,
    anatomy,
    tower,
    logits: logitsOf(parts),
    forward,
    unembed: unembed!,
    columns: unembedColumns(model, weights, tower.head!.unembed)
  };
};

/** The file cannot be cut, or a hook that the chain needs is not there: whole forwards do without. */
const isCutError = (error: unknown): boolean =>
  error instanceof Error && /^(cut impossible|hook unknown|hook unavailable|cannot prepare)/.test(error.message);
