import type { Anatomy, Tower } from '../anatomy/anatomy';
import type { Certificate } from '../anatomy/certificate/certificate';
import type { Model } from '../onnx/model';
import type { Weights } from '../onnx/weights';
import type { Prepared, Room } from '../runtime/runtime';
import type { Tokens } from '../tokens/tokens';
import type { Context } from './context';
import type { Feedable } from './inputs/feeds';
import type { ContentSizes } from './inputs/pinned';
import type { Reading } from './inputs/reading';
import type { IntervenedSessions } from './interventions/intervened-sessions';
import type { ClassLabels } from './opening/class-labels';
import type { Session } from './session';
import type { ModelFacts } from './subject';
import type { PieceHolder } from './sweeps/piece-holder';
import type { TokenTime } from './token-time';
import type { Unembedding } from './unembedding';

/** What a subject is made of. */
export interface SubjectParts {
  readonly facts: ModelFacts;
  readonly model: Model;
  readonly weights: Weights;
  /** Makes a session of an edit of the model, on its weights. */
  readonly prepare: (model: Model) => Promise<Prepared>;
  /** As `prepare`, with all hooks as outputs, fed by rows of ids. */
  readonly makeSession: (model: Model) => Promise<Session>;
  /** Rows of a run do not change one another. */
  readonly batches: boolean;
  readonly anatomy: Anatomy;
  readonly certificate: Certificate;
  readonly tokens?: Tokens;
  readonly contextLength?: number;
  /** What a run's rows are, of models that read more than one sequence. */
  readonly reading: Reading;
  /** What a decoder with an encoder begins with; absent where no configuration says. */
  readonly decoderStart?: number;
  /** Of images, and where they are from. */
  readonly sizes?: ContentSizes;
  /** preprocessor_config.json. */
  readonly preprocessor?: unknown;
  readonly inputs: readonly Feedable[];
  readonly session: Session;
  readonly intervened: IntervenedSessions;
  readonly unembeddings: ReadonlyMap<Tower, Unembedding>;
  /** By config.json. */
  readonly classes: ClassLabels;
  readonly shuffle: (seed: number, context: Context) => Promise<ShuffledParts>;
  /** Memory that can still be held. */
  readonly room: () => Room;
  /** Of the sweeps of this subject and of its readings. */
  readonly pieces: PieceHolder;
  /** What forwards of this subject and of its readings took. */
  readonly time: TokenTime;
}

/** The sessions of a model with shuffled weights. */
export interface ShuffledParts extends Pick<SubjectParts, 'session' | 'intervened'> {
  /** The model and its weights again, by the same seed. */
  readonly again: (context: Context) => Promise<Pick<SubjectParts, 'model' | 'weights'>>;
}
