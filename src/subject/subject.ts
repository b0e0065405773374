import type { Anatomy, Tower } from '../anatomy/anatomy';
import type { Certificate } from '../anatomy/certificate/certificate';
import type { HeadWay } from '../anatomy/head-way';
import type { Tensor } from '../onnx/tensor';
import type { Room } from '../runtime/runtime';
import type { Tokens } from '../tokens/tokens';
import type { FullCertificate } from './certify-fully';
import type { ContentSizes } from './inputs/pinned';
import type { Context } from './context';
import type { ClassLabels } from './opening/class-labels';
import type { Edges, EdgesRequest } from './interventions/edges';
import type { GenerateRequest, Generation } from './generate/generate';
import type { Interventions } from './interventions/interventions';
import type { SeenFile } from './inputs/looking';
import type { ModelWeights } from './weights/model-weights';
import type { TensorList } from './tensor-facts';
import type { PathSweepRequest, SweepCost, SweepRequest, SweepResult } from './sweep';

/** The model under study: opened, recognised, certified. */
export interface Subject {
  readonly facts: ModelFacts;
  readonly anatomy: Anatomy;
  readonly certificate: Certificate;
  /** Absent where the folder has no tokenizer, or none that is served: inputs are ids. */
  readonly tokens?: Tokens;
  /** The tower that ids are of, and that an analysis means: of encoder–decoders the encoder, else the first decoder, else the first. */
  readonly tower: Tower;
  /** The model's own outputs, by their names in the file. */
  readonly outputs: readonly string[];
  /** Longest sequence: the shorter of the graph's position table and `config.json`'s limit; absent where neither says. */
  readonly maxPositions?: number;
  /** Ids and their labels from `text` or `ids`; refuses what is empty, out of the vocabulary or longer than the positions. */
  input(input: TextOrIds): Input;
  /**
   * The same model, its rows read by the tower named, what the other tower reads being given once for all. Models of two sequences have it:
   * as opened rows are an encoder's, and its decoder reads the start token, or a text tower's, and what it has in common with an image is
   * refused until that is fed. Closing either closes both.
   */
  reading?(request: ReadingRequest): Subject;
  /** What a forward takes for tensors that are read instead of ids (pixels, embeddings), by the graph's names for its inputs; `source` names their file in errors. */
  tensorInput(tensors: ReadonlyMap<string, Tensor>, source: string): TensorInput;
  /** The same subject looking at an image or tensors; absent where the model reads ids. */
  looking?(file: SeenFile): Promise<Subject>;
  /** The sizes of its images, and what told them; absent where it takes none. */
  readonly imageSizes?: ContentSizes;
  /** Bytes and forwards of `forward`, before it runs. */
  cost(request: ForwardRequest): Cost;
  /** Runs the model with the hooks of `request` as outputs. Hooks must be verified unless `allowUnverified`. */
  forward(request: ForwardRequest, context: Context): Promise<Cache>;
  /** Means of hooks over rows, one row each: by position (rows of one length), or over all positions as well. Rows run in chunks; hooks must be verified. */
  means(request: MeansRequest, context: Context): Promise<Cache>;
  /** Continues prompts token by token, greedy or sampled, also under interventions. */
  generate(request: GenerateRequest, context: Context): Promise<Generation>;
  /** A session whose edges between what writes into the residual stream and what reads it can be changed, exactly; it holds the weights once more. */
  edges(request: EdgesRequest, context: Context): Promise<Edges>;
  /**
   * The same model with the entries of each weight matrix in an order drawn by the seed, in a session of its own that holds the weights once
   * more: what this shape gives without what was learned. Refuses weights that the graph computes (quantised ones).
   */
  shuffled(seed: number, context: Context): Promise<ShuffledModel>;
  /** Final norm and unembedding of `residual` [batch, pos, d_model] → logits [batch, pos, d_vocab], by the file's own nodes. */
  unembed(residual: Tensor, context: Context): Promise<Tensor>;
  /** Absent where no output is made of the last block's stream. */
  readonly way?: HeadWay;
  /** What a classifier's outputs are called, or why nothing says so. */
  readonly classes: ClassLabels;
  /** What stands behind the last block of a tower without unembedding, of `residual` [batch, pos, d_model], by the file's own nodes: [batch, classes] or [batch, pos, classes]. */
  classify(residual: Tensor, context: Context): Promise<Tensor>;
  /** The exact effect of each patch on the readout; hooks must be verified. Throws before it starts where memory would not suffice. */
  sweep(request: SweepRequest, context: Context): Promise<SweepResult>;
  sweepCost(request: SweepRequest): SweepCost;
  /** The exact effect of each direct path; as `sweep`. */
  pathSweep(request: PathSweepRequest, context: Context): Promise<SweepResult>;
  pathSweepCost(request: PathSweepRequest): SweepCost;
  /** The tower's weights by head, from the file's bytes. */
  readonly weights: ModelWeights;
  /** The graph's tensors as the file has them. */
  readonly tensors: TensorList;
  /** Memory that a run may still take. */
  room(): Room;
  /** The full certificate, nine forwards more, and the hooks as it leaves them; this subject's own statuses stay. */
  certify(request: { readonly level: 'full' }, context: Context): Promise<FullCertificate>;
  close(): Promise<void>;
}

export interface ShuffledModel {
  forward: Subject['forward'];
  /** As `Subject.reading`; throws where that is absent. */
  reading(request: ReadingRequest): Pick<Subject, 'forward'>;
  /** Its weights, put in the same order once more when they are asked for: nothing holds them meanwhile. */
  weights(context: Context): Promise<ModelWeights>;
  release(): Promise<void>;
}

export interface ModelFacts {
  readonly label: string;
  /** 'sha256:…' of the .onnx file, then of its external data. */
  readonly hash: string;
  readonly tokenizerHash?: string;
  readonly bytes: number;
  /** Why the tokenizer.json that lies beside the model is not used: the library lacks a part of it. */
  readonly tokenizerFault?: string;
  /** Element types of the weights with their bytes: { float32: 811008 }. */
  readonly dtypes: Readonly<Record<string, number>>;
  readonly nodes: number;
  readonly producer: string;
  readonly runtime: string;
  readonly threads: number;
}

export type TextOrIds =
  { readonly text: string; readonly ids?: undefined } | { readonly ids: readonly number[]; readonly text?: undefined };

export interface ReadingRequest {
  readonly tower: string;
  /** What the other tower reads; absent where the towers have nothing but outputs in common. A text for a decoder is put behind its start token, without the end that a tokenizer adds. */
  readonly other?: TextOrIds;
}

export interface Input {
  readonly ids: readonly number[];
  readonly labels: readonly string[];
  /** The ids begin with a beginning-of-sequence token. */
  readonly bos: boolean;
}

/** One row for each of the tensors' rows. */
export interface TensorInput {
  /** Places 0, 1, … of a row's tokens, in the stead of ids. */
  readonly ids: readonly (readonly number[])[];
  /** Of the places: 'r3c5', '[CLS]'. */
  readonly labels: readonly string[];
  readonly feeds: Readonly<Record<string, Tensor>>;
}

export interface ForwardRequest {
  /** One row a sequence, all of one length. Where pixels or embeddings are read instead: places, with those among `feeds`. */
  readonly ids: readonly (readonly number[])[];
  /** Hook names in full. */
  readonly hooks: readonly string[];
  /** The model's own outputs wanted besides, by their names in the file. */
  readonly outputs?: readonly string[];
  readonly allowUnverified?: boolean;
  /** Tensors for inputs of the graph, by its names for them, instead of what follows from the ids (a mask of ones, …). */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /** Changes to hooks' values while the model runs; hooks are read behind them. */
  readonly interventions?: Interventions;
}

export interface MeansRequest {
  readonly ids: readonly (readonly number[])[];
  /** In full. */
  readonly hooks: readonly string[];
  readonly over: 'rows' | 'all';
}

export interface Cost {
  readonly forwards: number;
  /** Of all that is returned, and of what interventions are fed. */
  readonly bytes: number;
  /** Of the weights, held once more by sessions that are made for interventions, a sweep or a long text; 0 where they are kept, absent without them. */
  readonly session?: number;
  /** Of a sweep: the whole forwards that what is computed amounts to. Absent: as many as `forwards`. */
  readonly work?: number;
  /** On this machine, by what forwards took so far; absent where none was made. */
  readonly seconds?: number;
}

/** What a forward returned: hooks in their documented shapes (fp32), outputs as the file has them. */
export interface Cache {
  get(name: string): Tensor;
  readonly names: readonly string[];
}
