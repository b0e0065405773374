import { decodePng, isPng, type Image } from '../../maths/decode-png';
import { readSafetensors } from '../../onnx/safetensors';
import { imageSteps } from '../opening/image-config';
import { prepareImage } from './prepare-image';
import type { ReadingRequest, ShuffledModel, Subject, TensorInput } from '../subject';
import { encoderOf } from './reading';

/** A file whose content a model without ids looks at. */
export interface SeenFile {
  readonly kind: 'image' | 'tensors';
  /** As the spec names it, for errors. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Decodes what is no PNG; absent where nothing does. */
  readonly decode?: (bytes: Uint8Array) => Promise<Image>;
}

export interface LookingParts {
  /** preprocessor_config.json. */
  readonly preprocessor?: unknown;
}

/**
 * The same subject looking at an image, prepared as preprocessor_config.json says, or at tensors: `input` gives the places of its tokens,
 * whatever the text, and forwards are fed it. Closing either closes both. Throws one sentence where the file cannot be read or does not fit.
 */
export const lookingAt = async (subject: Subject, { preprocessor }: LookingParts, file: SeenFile): Promise<Subject> => {
  const given = file.kind === 'tensors' ? ofTensors(subject, file) : await ofImage(subject, preprocessor, file);
  const [, ...more] = given.ids;
  if (more.length > 0) {
    throw new Error(`input malformed: '${file.path}' holds ${given.ids.length} rows, an analysis looks at one`);
  }
  const own = looker(subject, given);
  const { reading, anatomy, tower } = subject;
  return reading && encoderOf(anatomy) === tower
    ? { ...own, reading: request => looksAside({ ...subject, reading }, given, request) }
    : own;
};

/** Its rows are the places of what is looked at. */
const looker = (subject: Subject, given: TensorInput): Subject => ({
  ...feeding(subject, given),
  input: () => ({ ids: given.ids[0], labels: given.labels, bos: false })
});

const feeding = (subject: Subject, given: TensorInput): Subject => ({
  ...subject,
  forward: fed(subject, given),
  shuffled: async (seed, context) => {
    const made = await subject.shuffled(seed, context);
    const reading: ShuffledModel['reading'] = request => ({ forward: fed(made.reading(request), given) });
    return { ...made, forward: fed(made, given), reading };
  }
});

/** An encoder looks, whichever of the two towers reads the rows. */
const looksAside = (
  { reading, tower }: Subject & Required<Pick<Subject, 'reading'>>,
  given: TensorInput,
  request: ReadingRequest
): Subject =>
  request.tower === tower.name
    ? looker(reading(request), given)
    : feeding(reading({ ...request, other: { ids: given.ids[0] } }), given);

const fed =
  (model: Pick<Subject, 'forward'>, { feeds }: TensorInput): Subject['forward'] =>
  (request, context) =>
    model.forward({ ...request, feeds: { ...feeds, ...request.feeds } }, context);

const ofTensors = (subject: Subject, { bytes, path }: SeenFile): TensorInput =>
  subject.tensorInput(readSafetensors(bytes, path), path);

const ofImage = async (
  subject: Subject,
  preprocessor: unknown,
  { bytes, path, decode }: SeenFile
): Promise<TensorInput> => {
  const { content } = subject.tower;
  if (content?.kind !== 'pixels') {
    throw new Error(`input differs: '${subject.facts.label}' reads no image, as '${path}' is`);
  }
  const steps = imageSteps(preprocessor, subject.facts.label);
  const image = isPng(bytes) ? decodePng(bytes, path) : await decoded(bytes, path, decode);
  return subject.tensorInput(new Map([[content.input, prepareImage(image, steps, path)]]), path);
};

const isJpeg = ([a, b, c]: Uint8Array): boolean => a === 0xff && b === 0xd8 && c === 0xff;

const decoded = async (bytes: Uint8Array, path: string, decode: SeenFile['decode']): Promise<Image> => {
  if (!decode) {
    const kind = isJpeg(bytes) ? 'a JPEG' : 'no PNG';
    throw new Error(
      `image refused: '${path}' is ${kind}, and here only PNGs are read: save it as one (in Python: PIL.Image.open(…).save('image.png')), or open it in JupyterLab`
    );
  }
  try {
    return await decode(bytes);
  } catch (error) {
    throw new Error(`image malformed: '${path}' is no image that the browser reads`, { cause: error });
  }
};
