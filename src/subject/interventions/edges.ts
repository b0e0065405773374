import type { Tower } from '../../anatomy/anatomy';
import { toFloat32 } from '../../onnx/decode-tensor';
import type { Model } from '../../onnx/model';
import type { Tensor } from '../../onnx/tensor';
import { receiversOf, type Receiver, type Sender } from '../../surgery/edge-names';
import { maskEdges, type EdgeModel } from '../../surgery/mask-edges';
import { createCache, joinRows } from '../cache';
import { generateFed, type GenerateParts, type GenerateRequest, type Generation } from '../generate/generate';
import { pastSteps } from '../generate/generate-past';
import { atSpan } from './edge-feeds';
import type { Context } from '../context';
import { servedHook } from '../hook-names';
import { hookValues } from '../hook-values';
import { nearest } from '../near-names';
import type { Chunks, Session } from '../session';
import type { Cache } from '../subject';

type Rows = readonly (readonly number[])[];

export interface EdgesRequest {
  /** Names of those that can be changed, 'a1.h0<q>', 'm3', 'logits'; absent: all. Each adds nodes to the graph. */
  readonly receivers?: readonly string[];
}

/** The model with its edges open to change. */
export interface Edges {
  /** 'input', 'a0.h1', 'm0', …, in the order in which they write. */
  readonly senders: readonly string[];
  /** 'a1.h0<q>', 'm1', …, 'logits', in the order in which they read. */
  readonly receivers: readonly string[];
  /** Names of all edges that there can be, receiver by receiver. */
  all(): readonly string[];
  /** [1, 1, receiver, sender] with 1 for each of these edges: 'a0.h1->a1.h0<q>'. */
  mask(edges: readonly string[]): Tensor;
  /** What each sender writes in a run as it is, [row, pos, sender, d_model]. */
  written(ids: Rows, context: Context): Promise<Tensor>;
  /** The model's logits by their name in the file, float32, and hooks, with `in(v) += Σ_u mask[v, u] · (patch_u − written_u)`. */
  run(request: EdgeRun, context: Context): Promise<Cache>;
  /**
   * Continues prompts with changed edges. A mask and a patch of one position hold at each, also at new ones; a mask of the prompt's positions there alone.
   */
  generate(request: EdgeGeneration, context: Context): Promise<Generation>;
  release(): Promise<void>;
}

export type EdgeGeneration = Omit<GenerateRequest, 'interventions' | 'when'> & Pick<EdgeRun, 'mask' | 'patch'>;

export interface EdgeRun {
  readonly ids: Rows;
  /** float32 [row or 1, pos or 1, receiver, sender]. */
  readonly mask: Tensor;
  /** float32 [row or 1, pos or 1, sender, d_model]: what `written` gave for other ids, say; or nothing at all. */
  readonly patch: Tensor | 'zero';
  /** Hook names in full; they must be verified. */
  readonly hooks?: readonly string[];
}

interface EdgeParts extends Pick<GenerateParts, 'anatomy' | 'inputs' | 'batches' | 'intervened' | 'maxPositions'> {
  readonly model: Model;
  readonly tower: Tower;
  readonly makeSession: (model: Model) => Promise<Session>;
}

/** Opens such sessions, and releases those that are still open. */
export interface EdgeOpener {
  open(request: EdgesRequest, context: Context): Promise<Edges>;
  release(): Promise<void>;
}

export const edgeOpener = (parts: EdgeParts): EdgeOpener => {
  const opened = new Set<Edges>();
  return {
    open: async ({ receivers }, context) => {
      context.signal.throwIfAborted();
      const made = maskEdges(parts.model, parts.anatomy, parts.tower, chooser(parts.tower, receivers));
      const edges = createEdges(parts, made, await parts.makeSession(made.model), () => void opened.delete(edges));
      opened.add(edges);
      return edges;
    },
    release: async () => {
      await Promise.all([...opened].map(edges => edges.release()));
    }
  };
};

const chooser = (tower: Tower, names: readonly string[] | undefined): ((receiver: Receiver) => boolean) => {
  if (names === undefined) {
    return () => true;
  }
  const known = receiversOf(tower).map(({ name }) => name);
  names.forEach(name => refuseUnknown('receiver', name, known));
  return ({ name }) => names.includes(name);
};

const createEdges = (parts: EdgeParts, made: EdgeModel, session: Session, released: () => void): Edges => {
  const { tower, model, anatomy, inputs } = parts;
  const { senders, receivers } = made;
  const logits = tower.head!.logits;
  const run = (ids: Rows, fetches: readonly string[], mask: Tensor, patch: Tensor, context: Context): Promise<Chunks> =>
    session.run(ids, fetches, undefined, context, { [made.mask]: mask, [made.patch]: patch });
  const nothing = (): Tensor => filled([1, 1, senders.length, tower.dModel]);
  const neutral = { [made.mask]: filled([1, 1, receivers.length, senders.length]), [made.patch]: nothing() };
  const past = pastSteps({ model: made.model, anatomy, tower, inputs, session, feeds: () => neutral });
  const check = (ids: Rows, mask: Tensor, values: Tensor): void => {
    checkShape('mask', mask, ids, [receivers.length, senders.length]);
    checkShape('patch', values, ids, [senders.length, tower.dModel]);
    refuseBackwards(mask, senders, receivers);
  };
  return {
    senders: senders.map(({ name }) => name),
    receivers: receivers.map(({ name }) => name),
    all: () =>
      receivers.flatMap(receiver =>
        senders.slice(0, receiver.senders).map(sender => `${sender.name}->${receiver.name}`)
      ),
    mask: edges => maskOf(edges, senders, receivers),
    written: async (ids, context) => {
      refuseLarge(ids, senders.length, tower.dModel);
      const mask = filled([1, 1, receivers.length, senders.length]);
      return single(made.written, await run(ids, [made.written], mask, nothing(), context));
    },
    run: async ({ ids, mask, patch, hooks = [] }, context) => {
      const values = patch === 'zero' ? nothing() : patch;
      check(ids, mask, values);
      const served = hooks.map(name => servedHook(anatomy, name, false));
      const fetches = [...new Set([logits, ...served.map(({ source }) => source.tensor)])];
      const chunks = await run(ids, fetches, mask, values, context);
      const found = single(logits, chunks);
      if ((found.data as Float32Array).some(Number.isNaN)) {
        throw new Error(`output NaN: '${logits}' of '${model.graph.name}' with changed edges`);
      }
      const read = served.map(hook => [hook.name, hookValues(hook, chunks, ids[0].length)] as const);
      return createCache(new Map<string, Tensor>([[logits, found], ...read]));
    },
    generate: async ({ mask, patch, ...request }, context) => {
      const values = patch === 'zero' ? nothing() : patch;
      check(request.ids, mask, values);
      if (mask.dims[1] === 1 && values.dims[1] > 1) {
        throw new Error(
          `patch wrong: it has ${values.dims[1]} positions and none for new ones, which the mask of one position changes as well`
        );
      }
      return generateFed(
        { ...parts, label: model.graph.name, model: made.model, session, past },
        request,
        span => ({ [made.mask]: atSpan(mask, span), [made.patch]: atSpan(values, span) }),
        context
      );
    },
    release: async () => {
      released();
      await session.release();
    }
  };
};

const single = (name: string, { tensors, rows }: Chunks): Tensor => {
  const joined = joinRows(tensors[name], rows, name);
  return { dims: joined.dims, type: 'float32', data: toFloat32(joined) };
};

const filled = (dims: readonly number[]): Tensor => ({
  dims,
  type: 'float32',
  data: new Float32Array(dims.reduce((count, dim) => count * dim, 1))
});

const MOST_EDGES = 2 ** 26;

const maskOf = (edges: readonly string[], senders: readonly Sender[], receivers: readonly Receiver[]): Tensor => {
  if (receivers.length * senders.length > MOST_EDGES) {
    throw new Error(`edges too many: ${receivers.length} receivers × ${senders.length} senders, at most ${MOST_EDGES}`);
  }
  const data = new Float32Array(receivers.length * senders.length);
  for (const edge of edges) {
    const [from, to, ...more] = edge.split('->');
    if (to === undefined || more.length > 0) {
      throw new Error(`edge malformed: '${edge.slice(0, 80)}', wanted 'a0.h1->a1.h0<q>'`);
    }
    const sender = placeOf('sender', from, senders);
    const receiver = placeOf('receiver', to, receivers);
    if (sender >= receivers[receiver].senders) {
      throw new Error(`edge impossible: '${from}' writes after '${to}' has read`);
    }
    data[receiver * senders.length + sender] = 1;
  }
  return { dims: [1, 1, receivers.length, senders.length], type: 'float32', data };
};

const placeOf = (kind: string, name: string, among: readonly { readonly name: string }[]): number => {
  const names = among.map(known => known.name);
  refuseUnknown(kind, name, names);
  return names.indexOf(name);
};

const refuseUnknown = (kind: string, name: string, known: readonly string[]): void => {
  if (!known.includes(name)) {
    throw new Error(`${kind} unknown: '${name.slice(0, 80)}'${nearest(name, known)}`);
  }
};

const checkShape = (what: string, { dims, type }: Tensor, ids: Rows, last: readonly number[]): void => {
  const [rows, length] = [ids.length, ids[0]?.length ?? 0];
  const wanted = [rows, length, ...last];
  if (
    type !== 'float32' ||
    dims.length !== 4 ||
    dims.some((dim, axis) => dim !== wanted[axis] && (axis > 1 || dim !== 1))
  ) {
    throw new Error(
      `${what} of wrong shape: ${type} [${dims.join(', ')}], wanted float32 [${rows} or 1, ${length} or 1, ${last.join(', ')}]`
    );
  }
};

/** A mask on an edge that cannot be would be left out without a word. */
const refuseBackwards = ({ data }: Tensor, senders: readonly Sender[], receivers: readonly Receiver[]): void => {
  const at = (data as Float32Array).findIndex((value, place) => {
    const receiver = receivers[Math.floor(place / senders.length) % receivers.length];
    return !Number.isFinite(value) || (value !== 0 && place % senders.length >= receiver.senders);
  });
  if (at >= 0) {
    const [from, to] = [senders[at % senders.length], receivers[Math.floor(at / senders.length) % receivers.length]];
    throw new Error(`mask wrong: ${data[at]} for '${from.name}->${to.name}'`);
  }
};

const MOST_WRITTEN_BYTES = 2 ** 30;

const refuseLarge = (ids: Rows, senders: number, dModel: number): void => {
  const bytes = 4 * ids.length * (ids[0]?.length ?? 0) * senders * dModel;
  if (bytes > MOST_WRITTEN_BYTES) {
    throw new Error(
      `memory would not suffice: ${ids.length} rows × ${ids[0].length} positions × ${senders} senders × ${dModel} are ${bytes} bytes, at most ${MOST_WRITTEN_BYTES}`
    );
  }
};
