import type { Anatomy, Tower } from '../../anatomy/anatomy';
import { roundedBlock } from '../../anatomy/constants/block-weights';
import type { Model } from '../../onnx/model';
import type { Tensor } from '../../onnx/tensor';
import type { Weights } from '../../onnx/weights';
import type { Prepared, Room } from '../../runtime/runtime';
import { ownLengths, type Feedable } from '../inputs/feeds';
import { servedHook } from '../hook-names';
import type { ModelFacts, Subject } from '../subject';
import { needsOf, refuseWithoutRoom } from '../refuse-without-room';
import type { TokenTime } from '../token-time';
import type { PathSweepRequest, SweepCost, SweepRequest, SweepResult, SweepTotals } from '../sweep';
import { exactCost, exactPathCost, forwardOperations, isExact, type Cut } from './cost';
import { sweepExact } from './exact';
import type { Exact } from './exact-parts';
import { pathsAreExact, pathSweepExact } from './exact-paths';
import type { PieceHolder } from './piece-holder';
import { towerPrefix } from './pieces';
import { refuseTooMany } from './refuse-too-many';
import { unembedColumns } from './unembed-columns';
import { createUnits, type Units } from './units';
import { logitsOf, sweepWhole, type Whole } from './whole';
import { matricesOf, wholeCost, wholePathCost, type Size } from './whole-cost';
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
  /** Of the weights in sessions made for interventions. */
  readonly intervenedBytes: () => { readonly held: number; readonly most: number };
  readonly room: () => Room;
  readonly pieces: PieceHolder;
  readonly time: TokenTime;
}

export type Sweeper = Pick<Subject, 'sweep' | 'sweepCost' | 'pathSweep' | 'pathSweepCost'>;

/**
 * Of static quantisation, or in blocks. A sum that lies between two steps falls either way where it is computed in another order, as pieces
 * do, and what falls otherwise travels on: such files are run whole.
 */
const roundsActivations = ({ graph }: Model): boolean =>
  graph.nodes.some(
    node => node.opType === 'QuantizeLinear' || node.opType.startsWith('QLinear') || roundedBlock(node) !== undefined
  );

/** The exact way where the file can be cut into pieces that give its own numbers, else whole forwards. Pieces are kept for the next sweep. */
export const createSweeper = (parts: SweeperParts): Sweeper => {
  const { anatomy, tower, facts, forward } = parts;
  const prefix = towerPrefix(anatomy, tower);
  const whole: Whole = { anatomy, tower, facts, forward };
  let exact: Exact | undefined;
  let impossible = parts.unembed === undefined || roundsActivations(parts.model);
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
  /** What was found when the pieces were run: tokens cannot travel packed; paths cannot be made of them. */
  let [loose, pathless] = [false, false];
  const sourceLength = (): number => Math.max(0, ...Object.values(ownLengths(parts.inputs)));
  const cut = (found: Exact): Cut => ({
    session: missing(found.units.bytes()),
    packed: parts.batches && !loose,
    source: sourceLength()
  });
  const said = (totals: SweepTotals, [first]: SweepRequest['base']): SweepCost => {
    const length = first?.length ?? 0;
    const whole = forwardOperations(tower, length, sourceLength());
    const work = totals.method === 'whole' ? totals.forwards : totals.operations / whole;
    const each = parts.time.each();
    return { ...totals, work, ...(each !== undefined && { seconds: (work * length * each) / 1000 }) };
  };
  const matrices = matricesOf(parts.model);
  const size = (): Size => ({ matrices, session: missing(parts.intervenedBytes()), tower });
  const sweepWay = (request: SweepRequest): Way => {
    refuseTooMany(request.patches.length, request.base.length);
    const found = isExact(request.patches, prefix) ? prepared() : undefined;
    const totals = found ? exactCost(tower, request, cut(found)) : wholeCost(size(), request);
    return { found, cost: said(totals, request.base) };
  };
  const pathWay = (request: PathSweepRequest): Way => {
    refuseTooMany(request.paths.length, request.base.length);
    const found =
      !loose && !pathless && pathsAreExact({ tower, alone: !parts.batches }, request.paths, prefix)
        ? prepared()
        : undefined;
    const totals = found ? exactPathCost(tower, request, cut(found)) : wholePathCost(size(), request);
    return { found, cost: said(totals, request.base) };
  };
  /** `run` on the pieces; whole forwards from the first time on that they are not the model's own numbers: `forbid` remembers that. */
  const attempt = async (
    way: () => Way,
    forbid: () => Promise<void>,
    run: (exact: Exact) => Promise<SweepResult>,
    otherwise: () => Promise<SweepResult>
  ): Promise<SweepResult> => {
    const { found, cost } = way();
    refuseWithoutRoom('the sweep', needsOf(cost), parts.room());
    try {
      const result = await (found ? run(found) : otherwise());
      loose ||= found !== undefined && parts.batches && tower.causal && result.method === 'layers';
      return result;
    } catch (error) {
      if (!found || !isCutError(error)) {
        throw error;
      }
      await forbid();
      return attempt(way, forbid, run, otherwise);
    }
  };
  return {
    sweepCost: request => sweepWay(request).cost,
    pathSweepCost: request => pathWay(request).cost,
    sweep: async (request, context) => {
      request.patches.forEach(({ hook }) => servedHook(anatomy, hook, false));
      return parts.pieces.use(drop, () =>
        attempt(
          () => sweepWay(request),
          () => {
            impossible = true;
            return drop();
          },
          found => sweepExact(found, request, context),
          () => sweepWhole(whole, request, context)
        )
      );
    },
    pathSweep: async (request, context) => {
      request.paths.forEach(({ sender, receivers }) => {
        checkPath({ tower }, servedHook(anatomy, sender.hook, false).name, receivers);
        (receivers === 'logits' ? [] : receivers).forEach(({ hook }) => servedHook(anatomy, hook, false));
      });
      return parts.pieces.use(drop, () =>
        attempt(
          () => pathWay(request),
          async () => {
            pathless = true;
          },
          found => pathSweepExact(found, request, context),
          () => pathSweepWhole(whole, request, context)
        )
      );
    }
  };
};

/** How a request is answered, decided before it is priced. */
interface Way {
  /** The pieces; absent: whole forwards. */
  readonly found: Exact | undefined;
  readonly cost: SweepCost;
}

const missing = ({ held, most }: { readonly held: number; readonly most: number }): number => Math.max(0, most - held);

const prepareExact = (parts: SweeperParts): Exact | undefined => {
  const { model, weights, anatomy, tower, inputs, prepare, forward, facts, unembed } = parts;
  let units: Units;
  try {
    units = createUnits({ model, weights, anatomy, tower, inputs, prepare });
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
    facts,
    unembed: unembed!,
    columns: unembedColumns(model, weights, tower.head!),
    alone: !parts.batches
  };
};

/**
 * The file cannot be cut, or a hook that the chain needs is not there, or a piece does not run for the tokens at hand: whole forwards do without.
 */
const isCutError = (error: unknown): boolean =>
  error instanceof Error &&
  /^(cut impossible|hook unknown|hook unavailable|cannot prepare|run failed in graph '[\w-]+ of block)/.test(
    error.message
  );
