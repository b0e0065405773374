import { fromBase64 } from '../../maths/base64';
import type { Context } from '../../subject/context';
import type { Intervention } from '../../subject/interventions/interventions';
import type { Input, Subject } from '../../subject/subject';
import { floats } from '../floats';
import { blockHook, missingHook, select } from '../hooks';
import { quiet } from '../quiet';
import { referenceTexts } from '../reference-texts';

export const DIRECTIONS = ['difference', 'head', 'vector'] as const;
export type DirectionKind = (typeof DIRECTIONS)[number];

export interface DirectionRequest {
  readonly source: DirectionKind;
  readonly positive?: string;
  readonly negative?: string;
  readonly over: 'last' | 'all';
  readonly headLayer: number;
  readonly head: number;
  readonly vector?: string;
  /** In full. */
  readonly hook: string;
}

/**
 * A direction of the residual stream [d_model]: the mean of the hook over the positive texts less that over the negative ones; or the mean of what a head
 * writes on the positive texts; or one that is given. Throws for what is missing, of another size, or zero.
 */
export async function steeringDirection(
  subject: Subject,
  request: DirectionRequest,
  context: Context
): Promise<Float32Array> {
  const found = await KINDS[request.source](subject, request, context);
  if (!(norm(found) > 0)) {
    throw new Error(`direction zero: '${request.source}' gives ${found.length} zeros, there is nothing to add`);
  }
  return found;
}

export const norm = (vector: Float32Array): number => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));

type Kind = (subject: Subject, request: DirectionRequest, context: Context) => Promise<Float32Array>;

const KINDS: Readonly<Record<DirectionKind, Kind>> = {
  difference: async (subject, request, context) => {
    const [plus, minus] = [textsOf(subject, request, 'positive'), textsOf(subject, request, 'negative')];
    const read = (texts: readonly Input[]) => meanAt(subject, texts, request, [], request.hook, context);
    const [a, b] = [await read(plus), await read(minus)];
    return Float32Array.from(a, (x, i) => x - b[i]);
  },
  head: async (subject, request, context) => {
    const { headLayer, head } = request;
    select('headLayer', [headLayer], subject.tower.layers);
    select('head', [head], subject.tower.heads);
    const [z, out] = ['attn.hook_z', 'hook_attn_out'].map(name => blockHook(subject, headLayer, name));
    const missing = missingHook(subject, [z, out]);
    if (missing !== undefined) {
      throw new Error(`steering: ${missing}`);
    }
    const texts = textsOf(subject, request, 'positive');
    const others = Array.from({ length: subject.tower.heads }, (_, at) => at).filter(at => at !== head);
    const zero = (heads: readonly number[]): readonly Intervention[] => [{ hook: z, op: 'zero', heads }];
    // What a layer of this head alone adds, less what one without heads does: the bias.
    const alone = await meanAt(subject, texts, request, others.length > 0 ? zero(others) : [], out, context);
    const none = await meanAt(subject, texts, request, zero([...others, head]), out, context);
    return Float32Array.from(alone, (x, i) => x - none[i]);
  },
  vector: async ({ tower }, { vector }) => vectorOf(vector ?? '', tower.dModel)
};

const textsOf = (subject: Subject, request: DirectionRequest, field: 'positive' | 'negative'): readonly Input[] => {
  const texts = referenceTexts(subject, field, request[field]);
  if (texts.length === 0) {
    throw new Error(
      `texts missing: field '${field}' has none, one a line is wanted for the direction '${request.source}'`
    );
  }
  return texts;
};

/** The hook's mean over texts of any length: at their last tokens, or over all tokens; [d_model]. */
async function meanAt(
  subject: Subject,
  texts: readonly Input[],
  { over }: DirectionRequest,
  list: readonly Intervention[],
  hook: string,
  context: Context
): Promise<Float32Array> {
  const width = subject.tower.dModel;
  const sums = new Float64Array(width);
  let count = 0;
  for (const { ids } of texts) {
    const request = { ids: [ids], hooks: [hook], ...(list.length > 0 && { interventions: { list } }) };
    const values = floats((await subject.forward(request, quiet(context))).get(hook), hook);
    const from = over === 'last' ? ids.length - 1 : 0;
    for (let i = from * width; i < ids.length * width; i++) {
      sums[i % width] += values[i];
    }
    count += ids.length - from;
  }
  return Float32Array.from(sums, sum => sum / count);
}

/** Numbers with commas or spaces between, or base64 of float32, as results have it. */
const vectorOf = (text: string, width: number): Float32Array => {
  const words = text.trim().split(/[\s,]+/);
  const numbers = words.length > 1 ? Float32Array.from(words, Number) : decoded(text.trim(), width);
  if (numbers.length !== width || numbers.some(x => !Number.isFinite(x))) {
    throw new Error(
      `vector wrong: ${numbers.length} numbers${numbers.length === width ? ', not all finite' : ''}, the model's stream has ${width}`
    );
  }
  return numbers;
};

const decoded = (text: string, width: number): Float32Array => {
  const bytes = fromBase64(text, 4 * width);
  return bytes.length % 4 === 0 ? new Float32Array(bytes.slice().buffer) : new Float32Array(0);
};
