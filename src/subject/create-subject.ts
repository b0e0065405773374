import type { Tower } from '../anatomy/anatomy';
import type { Certificate } from '../anatomy/certificate/certificate';
import { headWay } from '../anatomy/head-way';
import { matrixReader } from '../anatomy/certificate/layer-maths';
import { certifyFully } from './certify-fully';
import { edgeOpener } from './interventions/edges';
import { meansOf } from './interventions/data-runs';
import { forwardsOf } from './forward';
import { readAs } from './inputs/read-as';
import { refuseIds } from './inputs/refuse-ids';
import type { ShuffledParts, SubjectParts } from './subject-parts';
import { generate } from './generate/generate';
import { pastSteps } from './generate/generate-past';
import { servedHook } from './hook-names';
import { readInput, type InputLimits } from './inputs/input';
import { lookingAt, type SeenFile } from './inputs/looking';
import { modelWeights } from './weights/model-weights';
import { apartReading, encoderOf, otherReading, readApart, type Reading } from './inputs/reading';
import { givenSequences } from './inputs/unread';
import type { ReadingRequest, ShuffledModel, Subject } from './subject';
import { createSweeper } from './sweeps/sweeper';
import { tensorInput } from './inputs/tensor-input';
import { tensorList } from './tensor-facts';
import { prepareUnembedding, type Unembedding } from './unembedding';

const shorter = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : Math.min(a, b ?? a);

export const createSubject = (whole: SubjectParts): Subject => {
  const parts = readAs(whole);
  const { facts, anatomy, certificate, tokens, session, intervened, unembeddings, model } = parts;
  const { tower } = parts.reading;
  const limits = limitsOf(parts, tower);
  const { forward, cost } = forwardsOf(parts, limits);
  const past = pastSteps({ ...parts, tower });
  const edges = edgeOpener({ ...parts, tower, maxPositions: limits.maxPositions });
  const unembedding = unembeddings.get(tower);
  const sweeper = createSweeper({
    ...parts,
    tower,
    forward,
    intervenedBytes: intervened.bytes,
    unembed: unembedding && (residual => unembedding.run(residual))
  });
  const classifier = classifierOf(parts, tower);
  const way = headWay(tower);
  const subject: Subject = {
    facts,
    anatomy,
    certificate,
    tower,
    ...(limits.maxPositions !== undefined && { maxPositions: limits.maxPositions }),
    outputs: model.graph.outputs.map(({ name }) => name),
    ...(tokens && { tokens }),
    ...(parts.sizes && { imageSizes: parts.sizes }),
    input: input => {
      if (tower.content) {
        refuseIds(parts);
      }
      return readInput(input, tokens, limits, facts);
    },
    ...((encoderOf(anatomy) ?? readApart(anatomy)) && {
      reading: (request: ReadingRequest) => createSubject({ ...whole, reading: readingOf(whole, request) })
    }),
    ...(anatomy.towers.some(({ content }) => content) && {
      looking: (file: SeenFile) => lookingAt(lookingSubject(whole, subject), parts, file)
    }),
    tensorInput: (tensors, source) => tensorInput({ ...parts, tower, label: facts.label }, tensors, source),
    cost,
    forward,
    sweep: guarded(parts, sweeper.sweep),
    sweepCost: sweeper.sweepCost,
    pathSweep: guarded(parts, sweeper.pathSweep),
    pathSweepCost: sweeper.pathSweepCost,
    means: async ({ ids, hooks, over }, context) => {
      const served = hooks.map(name => servedHook(anatomy, name, false));
      return meansOf({ forward }, served, { name: 'ids', rows: ids }, over, context);
    },
    generate: async (request, context) => {
      givenSequences(parts.inputs, undefined, facts.label);
      refuseIds(parts);
      request.ids.forEach(ids => readInput({ ids }, undefined, limits, facts));
      return generate(
        { ...parts, label: facts.label, tower, past, maxPositions: limits.maxPositions },
        request,
        context
      );
    },
    edges: guarded(parts, edges.open),
    shuffled: async (seed, context) => shuffled(parts, await parts.shuffle(seed, context), tower),
    weights: modelWeights({ tower, certificate, read: matrixReader(model, parts.weights), label: facts.label }),
    tensors: tensorList(model),
    certify: async (_, context) =>
      certifyFully(
        { ...parts, ...(limits.maxPositions !== undefined && { maxPositions: limits.maxPositions }) },
        context
      ),
    unembed: async (residual, context) => {
      context.signal.throwIfAborted();
      if (unembedding === undefined) {
        throw new Error(`unembedding missing: '${facts.label}' has none after the tower '${tower.name}'`);
      }
      const prefix = anatomy.towers.length > 1 ? `${tower.name}.` : 'model';
      refuseUnproven(certificate, prefix, facts.label);
      return unembedding.run(residual);
    },
    ...(way && { way }),
    classes: parts.classes,
    classify: async (residual, context) => {
      context.signal.throwIfAborted();
      return (await classifier.prepared()).run(residual);
    },
    room: parts.room,
    close: async () => {
      await classifier.release();
      await Promise.all([session.release(), intervened.release(), parts.pieces.release(), edges.release()]);
      await Promise.all([...unembeddings.values()].map(unembedding => unembedding.release()));
    }
  };
  return subject;
};

const limitsOf = ({ contextLength, decoderStart }: SubjectParts, tower: Tower): InputLimits => ({
  vocabularySize: tower.content ? undefined : (tower.embedding?.rows ?? tower.dVocab ?? undefined),
  maxPositions: shorter(tower.maxPositions ?? undefined, contextLength),
  ...(tower.states !== undefined && { start: decoderStart ?? null })
});

/** The subject whose rows are those of the tower that looks. */
const lookingSubject = (whole: SubjectParts, subject: Subject): Subject => {
  const tower = whole.anatomy.towers.find(({ content }) => content)!;
  return subject.tower.content || !readApart(whole.anatomy)
    ? subject
    : createSubject({ ...whole, reading: apartReading(whole.anatomy, whole.inputs, tower) });
};

/** Rows are `tower`'s ids, what is given for the other tower stays. */
const readingOf = (parts: SubjectParts, { tower: name, other }: ReadingRequest): Reading => {
  const { anatomy, inputs, tokens, facts } = parts;
  const tower = anatomy.towers.find(one => one.name === name);
  const beside = anatomy.towers.find(one => one.name !== name);
  if (!tower || !beside) {
    const names = anatomy.towers.map(one => `'${one.name}'`).join(', ');
    throw new Error(`tower unknown: '${name}' is not a tower of '${facts.label}' (towers: ${names})`);
  }
  if (readApart(anatomy) && other === undefined) {
    return apartReading(anatomy, inputs, tower);
  }
  if (other === undefined || (beside.content && other.text !== undefined)) {
    throw new Error(
      `input differs: '${beside.name}' of '${facts.label}' ${beside.content ? 'reads numbers, no text' : 'reads ids, which are not given'}`
    );
  }
  return otherReading(anatomy, inputs, tower, [readInput(other, tokens, limitsOf(parts, beside), facts).ids]);
};

/** Work that is fed by ids alone. */
const guarded =
  <A extends readonly unknown[], R>(parts: SubjectParts, work: (...given: A) => Promise<R>) =>
  async (...given: A): Promise<R> => {
    refuseIds(parts);
    return work(...given);
  };

const shuffled = (parts: SubjectParts, made: ShuffledParts, tower: Tower): ShuffledModel => ({
  forward: forwardsOf({ ...parts, ...made }, limitsOf(parts, tower)).forward,
  reading: request => {
    const reading = readingOf(parts, request);
    const seen = { ...parts, reading, inputs: reading.inputs, ...made };
    return { forward: forwardsOf(seen, limitsOf(parts, reading.tower)).forward };
  },
  weights: async context => {
    const { model, weights } = await made.again(context);
    return modelWeights({ ...parts, tower, read: matrixReader(model, weights), label: parts.facts.label });
  },
  release: async () => {
    await Promise.all([made.session.release(), made.intervened.release()]);
  }
});

/** Prepared when it is first asked for. */
function classifierOf(
  { prepare, model, anatomy, inputs, batches }: SubjectParts,
  tower: Tower
): { prepared(): Promise<Unembedding>; release(): Promise<void> } {
  let made: Promise<Unembedding> | undefined;
  return {
    prepared: () => (made ??= prepareUnembedding(prepare, model, anatomy, tower, inputs, batches)),
    release: async () => (await made?.catch(() => undefined))?.release()
  };
}

/** The unembedding alone must have given the logits. */
const refuseUnproven = ({ identities }: Certificate, at: string, label: string): void => {
  const failed = identities.find(({ name, fails }) => name === 'head-reproduces-logits' && fails?.includes(at));
  if (failed) {
    throw new Error(
      `unembedding unproven: the one of '${label}' does not give its logits (identity '${failed.name}' is off by ${failed.error})`
    );
  }
};
