/** Which node is what: found by structure, plain data. */
export interface Anatomy {
  readonly towers: readonly Tower[];
  readonly hooks: readonly Hook[];
  /** The graph's inputs and what they are for: how a run is fed. */
  readonly inputs: readonly GraphInput[];
  /**
   * Tensors whose sizes the graph does not tell. While there are any, no hook is served: run once with them as outputs and
   * recognise again with the sizes seen.
   */
  readonly unresolved: readonly string[];
  /** What was looked at and not understood: "layer 7: not attention, the mask is added after the softmax (node …)". */
  readonly refusals: readonly Refusal[];
}

export interface GraphInput {
  readonly name: string;
  /** 'pixels', 'embeddings' and 'features' are read instead of ids. 'boxes': whole numbers [batch, pos, n] that tables of places on a page are read by. 'states': what another file's encoder gives, [batch, pos, width]. 'unused': nothing reads its values. */
  readonly role:
    | Content['kind']
    | 'ids'
    | 'attention_mask'
    | 'position_ids'
    | 'token_type_ids'
    | 'boxes'
    | 'past'
    | 'states'
    | 'unused'
    | 'unknown';
  /** The input whose positions it has, where the graph reads more than one sequence. */
  readonly positions?: string;
  /** Positions that pixels or features become. */
  readonly length?: number;
  /** TensorProto.DataType. */
  readonly elementType: number;
  /** A number, or the file's name for the size ('' without one); absent when the rank is unknown. */
  readonly shape?: readonly (number | string)[];
}

export interface Refusal {
  readonly why: string;
  /** The node, tensor or field. */
  readonly at: string;
}

export interface Tower {
  /** 'decoder', 'encoder', 'vision', or 'text' beside a vision tower; prefixes the hook names when there is more than one tower. */
  readonly name: string;
  readonly kind: 'decoder' | 'encoder' | 'vision';
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly dModel: number;
  readonly dHead: number;
  /** Width of queries and keys, where values and z have another (multi-head latent attention). */
  readonly dQuery?: number;
  /** null where there is no MLP. */
  readonly dMlp: number | null;
  /** null where no unembedding was found. */
  readonly dVocab: number | null;
  /** How many positions the tables have, learned or of a rotation; null where none sets a limit. */
  readonly maxPositions: number | null;
  readonly causal: boolean;
  readonly positional: 'learned' | 'sinusoidal' | 'rotary' | 'alibi' | 'relative' | 'none';
  readonly norm: { readonly kind: 'layer' | 'rms' | 'none'; readonly placement: 'pre' | 'post' | 'sandwich' | 'none' };
  readonly mlp: 'plain' | 'gated' | 'none';
  readonly parallel: boolean;
  readonly blocks: readonly Block[];
  readonly embedding?: Embedding;
  /** What the cross-attention of all blocks reads: another tower's last states, or an input. */
  readonly states?: string;
  /** What it reads instead of ids. */
  readonly content?: Content;
  /** The norm behind the last block; post-norm towers have none. */
  readonly finalNorm?: NormPart;
  /** Final norm and unembedding, the part that a logit lens re-applies. */
  readonly head?: UnembeddingHead;
  /** The layer behind the last block that another output is made of: a classifier's, or one into a space shared with another tower. */
  readonly outputLayer?: OutputLayer;
}

export interface OutputLayer {
  /** The graph output behind it. */
  readonly output: string;
  readonly layer: Projection;
  /** It reads one row a sequence, of one token or of all: [batch, width]. */
  readonly pooled: boolean;
}

/** Tensor names of one block. Weights are initialiser names in the file. */
export interface Block {
  readonly residPre: string;
  readonly residMid?: string;
  /** Behind the cross-attention. */
  readonly residMidCross?: string;
  readonly residPost: string;
  /** Post-norm blocks: the norm of residPost, which the next block reads. */
  readonly normalizedResidPost?: string;
  readonly attention: Attention;
  /** Attention whose keys and values come from another tower. */
  readonly cross?: Attention;
  readonly mlp?: Mlp;
  readonly norms: readonly NormPart[];
}

export interface Attention {
  readonly q: Projection;
  readonly k: Projection;
  readonly v: Projection;
  readonly o: Projection;
  /** Masked scores that enter the softmax, and the pattern that multiplies v. */
  readonly scores?: string;
  readonly pattern: string;
  readonly z: string;
  /** What is added to the residual stream. */
  readonly out: string;
  /** What z·W_O + b, behind its norm, is multiplied by before that. */
  readonly outScale?: OutScale;
  /** Everything constant that q·kᵀ is multiplied by before the mask is added; absent where it is not known. */
  readonly scale?: number;
  /** What of it queries and keys are multiplied by before their product. */
  readonly scales?: { readonly q: number; readonly k: number };
  /** c, where scores are bent to c · tanh(score / c) before the mask is added. */
  readonly softcap?: number;
  /** The constant of one number a head, or one for all, that the softmax takes beside the scores: rows of the pattern sum to less than one. */
  readonly sink?: string;
  /** Queries and keys are rotated. */
  readonly rotary: boolean;
  /** Keys and values are made of a narrower vector that the heads share: q, k and v have no weights of their own on the stream. */
  readonly latent?: true;
  /** Key/value heads are repeated for the query heads. */
  readonly grouped: boolean;
  /** The node that is the anchor: a Softmax or a fused attention. */
  readonly node: string;
}

/** x @ W + b; `weight` is an initialiser, or a tensor that the file computes from initialisers alone (a dequantised weight). `columns` is the range of the weight's output axis when several projections are packed in one. */
export interface Projection {
  readonly node: string;
  readonly input: string;
  readonly output: string;
  readonly weight?: string;
  readonly bias?: string;
  /** Stored [out, in] (Gemm with transB, or a transposed initialiser). */
  readonly transposed?: boolean;
  readonly columns?: readonly [number, number];
  /** What x @ W + b is cut off at, below and above (OLMo, DBRX). */
  readonly clip?: readonly [number, number];
  /** x is rounded to eight bits first, one scale for all of it (DynamicQuantizeLinear); or may be, one scale for each so many columns of a row. */
  readonly rounds?: true | number;
  /**
   * Of a weight with more axes than two, or in another order: transposed by `perm` its first `rows` axes are inputs, the
   * others outputs. TransformerLens's W_Q [head, d_model, d_head] has perm [1, 0, 2] and rows 1.
   */
  readonly layout?: { readonly perm: readonly number[]; readonly rows: number };
  /** Packed head by head: column i < width of head h is h · stride + offset + i of the weight's output axis. */
  readonly perHead?: { readonly offset: number; readonly stride: number; readonly width: number };
}

export interface Mlp {
  readonly in?: Projection;
  readonly gate?: Projection;
  readonly out?: Projection;
  readonly pre?: string;
  readonly post?: string;
  /** What is added to the residual stream. */
  readonly output: string;
  /** What post·W_out + b, behind its norm, is multiplied by before that. */
  readonly outScale?: OutScale;
  readonly activation?: string;
}

/** A number, times a vector [d_model] where there is one. */
export interface OutScale {
  readonly factor: number;
  readonly weight?: string;
}

export interface NormPart {
  /** As in TransformerLens ln2 is the cross-attention's in blocks that have one, and ln3 the MLP's. */
  readonly role:
    'ln1' | 'ln2' | 'ln3' | 'ln1_post' | 'ln2_post' | 'ln_final' | 'ln_embed' | 'q_norm' | 'k_norm' | 'z_norm';
  readonly kind: 'layer' | 'rms';
  readonly input: string;
  readonly output: string;
  readonly weight?: string;
  readonly bias?: string;
  readonly epsilon?: number;
}

export interface Embedding {
  /** The graph input that holds the ids. */
  readonly ids: string;
  /** Rows of the table: ids are below this. */
  readonly rows: number;
  /** Columns of the tables; absent where they are as wide as the stream. */
  readonly width?: number;
  /** The layer from the tables, or from their norm, to the stream, where tables are narrower (ALBERT, ELECTRA). */
  readonly project?: Projection;
  readonly weight?: string;
  readonly tokens?: string;
  /** What the tokens' rows are multiplied by before anything is added. */
  readonly scale?: number;
  /** The norm of the tokens alone, before positions are added (BlenderbotSmall). */
  readonly tokenNorm?: NormPart;
  readonly positions?: string;
  /** The table of positions, where it is stored as plain numbers. */
  readonly positionWeight?: string;
  /** Its row of the first position, where there are rows before it. */
  readonly firstPosition?: number;
  readonly types?: string;
  /** What tables of places on a page give, one after another (LayoutLM). */
  readonly boxes?: readonly string[];
  readonly norm?: NormPart;
  /** Operators between the tables and the first block that are neither sums, scales nor norms. */
  readonly strange: readonly string[];
}

/** What a tower reads that has no ids. */
export interface Content {
  /** The graph input: pixels [batch, channels, height, width], embeddings [batch, pos, d_model], features of any other shape. */
  readonly input: string;
  readonly kind: 'pixels' | 'embeddings' | 'features';
  /** What positions are added to, [batch, pos, d_model], class token included; embeddings themselves. */
  readonly tokens: string;
  readonly positions?: string;
  readonly norm?: NormPart;
  /** How pixels become tokens, where one convolution does it. */
  readonly patches?: Patches;
  /** How features become tokens, where convolutions along one axis do it. */
  readonly stem?: Stem;
  /** Positions that it always has; null where they are as many as are fed. */
  readonly length: number | null;
  /** As an embedding's. */
  readonly strange: readonly string[];
}

/** Convolutions one after another, [batch, channels, frames] in and out; tokens are the columns of the last one's output. */
export interface Stem {
  readonly layers: readonly StemLayer[];
}

export interface StemLayer {
  readonly node: string;
  /** Initialisers [filters, channels, window] and [filters]. */
  readonly weight: string;
  readonly bias?: string;
  readonly stride: number;
  /** Zeros before the first frame. */
  readonly pad: number;
  /** The function behind it, by the name that an MLP's has. */
  readonly curve: string;
}

/** A convolution as wide as its step: one product of weights for each patch. */
export interface Patches {
  readonly node: string;
  /** Initialisers [d_model, channels, height, width] and [d_model]. */
  readonly weight?: string;
  readonly bias?: string;
  /** Pixels are rounded to eight bits first, one scale for all of a run. */
  readonly rounds?: true;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Above, left, below, right. */
  readonly pads: readonly number[];
  /** Patches down and across. */
  readonly grid: readonly [number, number];
  /** Initialisers [1, n, d_model] of the tokens before the patches: class token, then distillation token; undefined where it is computed. */
  readonly before: readonly (string | undefined)[];
  /** Their number. */
  readonly leading: number;
}

export interface UnembeddingHead {
  /** The last block's residual stream, where the head begins. */
  readonly input: string;
  /** The hook that is this tensor. */
  readonly hook: string;
  readonly norm?: NormPart;
  /** The graph output [batch, pos, d_vocab]. */
  readonly logits: string;
  readonly unembed: Projection;
  /** A layer of its own stands between the stream and the last norm, or the unembedding (BERT's, ESM's). */
  readonly behindLayer?: true;
  /** Logits are c · tanh(x / c) of what the unembedding gives (Gemma 2). */
  readonly softcap?: number;
}

export interface Hook {
  /** TransformerLens's name, `blocks.3.attn.hook_pattern`. */
  readonly name: string;
  /** Names of the axes, ['batch', 'head', 'query_pos', 'key_pos']. */
  readonly dims: readonly string[];
  /** Sizes where known, else the axis's name: ['batch', 4, 'query_pos', 'key_pos']. */
  readonly shape: readonly (number | string)[];
  readonly status: 'verified' | 'unverified' | 'unavailable';
  /** The input whose positions 'pos' counts, where the graph reads more than one sequence. */
  readonly positions?: string;
  /** As `positions`, of 'key_pos' where keys are at other places than queries: in cross-attention. */
  readonly keyPositions?: string;
  /** Why it is not verified. */
  readonly why?: string;
  /** How the tensor of the file becomes the hook's shape; absent when unavailable. */
  readonly source?: HookSource;
  /** The same with the keys or values of a past before the run's own, [batch, past + pos, …]: what is shown where a past is fed. */
  readonly cached?: HookSource;
}

/** `tensor` of the graph, then each step in order. A reshape's size may be an axis's name, read from the run. */
export interface HookSource {
  readonly tensor: string;
  readonly steps: readonly HookStep[];
}

export type HookStep =
  | { readonly op: 'reshape'; readonly shape: readonly (number | 'batch' | 'pos' | -1)[] }
  | { readonly op: 'transpose'; readonly perm: readonly number[] }
  | { readonly op: 'slice'; readonly axis: number; readonly start: number; readonly end: number }
  /** Keeps every n-th slice: expanded key/value heads back to their own number. */
  | { readonly op: 'every'; readonly axis: number; readonly step: number }
  /** Axes of size 1 repeated to the run's [batch, pos, …]; missing leading axes are added. */
  | { readonly op: 'expand'; readonly shape: readonly (number | 'batch' | 'pos')[] }
  /** The last axis standardised: (x − mean)/√(variance + ε), for 'rms' x/√(mean x² + ε). */
  | { readonly op: 'normalise'; readonly kind: 'layer' | 'rms'; readonly epsilon: number };
