import { linearAlgebra } from '../../maths/linear-algebra';
import type { Context } from '../../subject/context';
import type { Subject } from '../../subject/subject';
import { select } from '../hooks';
import { paced } from '../patching/effects';
import { encodeTensor } from '../tensor-codec';
import { spectrumOf, type Spectrum } from './matrix-spectrum';
import { inRandomOrder } from './random-order';
import type { DrawnSpectrum, MatrixRow, WeightSpectra } from './weight-spectra';
import { weightMatrices, type WeightMatrix } from './weight-matrices';

export const MOST_MATRICES = 4096;
export const MOST_DRAWN = 4;

/** The matrices of one model, in the form of the whole result; goes on from `context.earlier`. `names` chooses which spectra are drawn. */
export async function measureSpectra(
  subject: Subject,
  { layers, tables, shuffled }: Asked,
  names: (all: readonly WeightMatrix[]) => readonly string[],
  context: Context,
  seed: number
): Promise<WeightSpectra> {
  const all = weightMatrices(subject, select('layers', layers, subject.tower.layers), tables);
  if (all.length === 0 || all.length > MOST_MATRICES) {
    throw new Error(
      `field 'layers' asks for ${all.length} matrices of '${subject.facts.label}', 1 to ${MOST_MATRICES} are measured`
    );
  }
  const drawn = names(all);
  const earlier = context.earlier as WeightSpectra | undefined;
  const result = {
    matrices: [...(earlier?.matrices ?? [])],
    asked: all.length,
    drawn: [...(earlier?.drawn ?? [])],
    left: [...(earlier?.left ?? [])]
  };
  const known = new Set([...result.matrices, ...result.left].map(({ name }) => name));
  const show = paced(context, () => ({
    ...result,
    matrices: [...result.matrices],
    drawn: [...result.drawn],
    left: [...result.left]
  }));
  for (const [at, one] of all.entries()) {
    if (!known.has(one.name)) {
      const between = steps(context, at, all.length, one.name);
      try {
        const { row, eigenvalues } = await measure(one, shuffled, seed + at, between);
        result.matrices.push(row);
        result.drawn.push(...(drawn.includes(one.name) ? [drawnOf(one.name, eigenvalues)] : []));
      } catch (error) {
        context.signal.throwIfAborted();
        result.left.push({ name: one.name, why: (error as Error).message.slice(0, LONGEST_REASON) });
      }
      show();
    }
  }
  if (result.matrices.length === 0) {
    throw new Error(`weight spectra: no matrix could be read; ${result.left[0].name}: ${result.left[0].why}`);
  }
  return result;
}

interface Asked {
  readonly layers?: readonly number[] | undefined;
  readonly tables: boolean;
  readonly shuffled: boolean;
}
/** Says which matrix, lets a cancel be heard. */
const steps =
  ({ signal, progress }: Context, done: number, total: number, name: string) =>
  async (): Promise<void> => {
    progress({ done, total, label: `${name} (matrix ${done + 1} of ${total})` });
    await new Promise(resolve => setTimeout(resolve));
    signal.throwIfAborted();
  };

const PART_BYTES = 2 ** 23;
const LONGEST_REASON = 300;

async function measure(
  { name, kind, layer, parts }: WeightMatrix,
  shuffled: boolean,
  seed: number,
  between: () => Promise<void>
): Promise<{ readonly row: MatrixRow; readonly eigenvalues: Float64Array }> {
  await between();
  const algebra = await linearAlgebra();
  const { row, eigenvalues } = await spectrumOf(parts(PART_BYTES), algebra, between);
  const other: Spectrum | undefined =
    shuffled && layer !== null
      ? await spectrumOf([inRandomOrder([...parts(PART_BYTES)][0], seed)], algebra, between)
      : undefined;
  return { row: { name, kind, layer, ...row, shuffled: other?.row ?? null }, eigenvalues };
}

const drawnOf = (name: string, eigenvalues: Float64Array): DrawnSpectrum => ({
  name,
  eigenvalues: {
    ...encodeTensor({ dims: ['eigenvalue'], shape: [eigenvalues.length] }, Float32Array.from(eigenvalues)),
    dtype: 'float32'
  }
});

/** Preferred where no matrix is named: the MLP's output, else the attention's. */
const USUAL = ['W_out', 'W_O'];

/** Of a spec's field, or one kind in the first, the middle and the last layer. */
export function namesDrawn(all: readonly WeightMatrix[], given: string | undefined): readonly string[] {
  if (given?.trim()) {
    const names = given.split(',').map(name => name.trim().replace(/\s+/g, ' '));
    const unknown = names.find(name => !all.some(one => one.name === name));
    if (unknown !== undefined || names.length > MOST_DRAWN) {
      throw new Error(
        unknown === undefined
          ? `field 'drawn' names ${names.length} matrices, at most ${MOST_DRAWN} are drawn`
          : `field 'drawn' names '${unknown.slice(0, 40)}', which is not among the matrices measured (${all[0].name}, …)`
      );
    }
    return names;
  }
  const kind = USUAL.find(name => all.some(one => one.kind === name)) ?? all[0].kind;
  const same = all.filter(one => one.kind === kind).map(({ name }) => name);
  return [...new Set([0, Math.floor((same.length - 1) / 2), same.length - 1].map(at => same[at]))];
}
