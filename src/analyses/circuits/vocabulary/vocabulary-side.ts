import { transpose, type Matrix } from '../../../maths/matrix';
import type { WeightName } from '../../../subject/weights/weight-table';
import type { Subject } from '../../../subject/subject';
import { refusesLogits } from '../../refuses-logits';

/** What tokens are on one side of a circuit: a vector of the residual stream each. */
export interface VocabularySide {
  readonly size: number;
  /** [count, d_model] from token `start`, in order. */
  chunks(): Generator<{ readonly start: number; readonly rows: Matrix }>;
  /** [ids, d_model] */
  rows(ids: readonly number[]): Matrix;
}

/** Tokens at a time. */
export const CHUNK = 2048;

/** Why the embedding cannot be read as a table, or undefined when it can. */
export function refusesEmbedding({ tower, weights }: Subject): string | undefined {
  const { embedding } = tower;
  if (tower.content) {
    return `what it reads are ${tower.content.kind}: it has no table of tokens`;
  }
  if (!embedding || !weights.names.includes('W_E')) {
    return 'its embedding is not stored as numbers that are understood';
  }
  if (embedding.project || embedding.width !== undefined) {
    return 'its table of tokens is narrower than the stream, with a layer of its own behind it';
  }
  if (embedding.strange.length > 0) {
    return `between its embedding and the first block stands ${embedding.strange[0]}, so that a token’s row is not what the stream begins with`;
  }
  const norm = embedding.norm ?? embedding.tokenNorm;
  return norm && norm.epsilon === undefined
    ? `the norm of its embedding '${norm.output}' has no known epsilon`
    : undefined;
}

/** Why there is no table of what logits read, or undefined when there is. */
export function refusesUnembedding(subject: Subject): string | undefined {
  const { tower, weights } = subject;
  const none = refusesLogits(subject);
  if (none !== undefined) {
    return none;
  }
  if (!weights.names.includes('W_U')) {
    return 'its unembedding is not stored as numbers that are understood';
  }
  if (tower.head!.behindLayer) {
    return 'between its last block and its unembedding stands a layer of its own, so that no product of weights is a path to the logits';
  }
  return tower.finalNorm?.weight === undefined && tower.finalNorm?.bias !== undefined
    ? 'its final norm has a bias but no weight that is understood'
    : undefined;
}

/** Rows of the table, behind the embedding's own norm where it has one; positions are left out. */
export function embeddingSide(subject: Subject, size: number): VocabularySide {
  const { weights, tower } = subject;
  const norm = tower.embedding?.norm ?? tower.embedding?.tokenNorm;
  const vector = (name: WeightName): Float32Array | undefined =>
    weights.names.includes(name) ? (weights.read(name).data as Float32Array) : undefined;
  const [weight, bias] = [vector('ln_embed.w'), vector('ln_embed.b')];
  return side(subject, size, 'W_E', rows => {
    if (norm) {
      eachRow(rows, row => {
        const mean = norm.kind === 'layer' ? meanOf(row) : 0;
        const scale = Math.sqrt(meanOf(row.map(value => (value - mean) ** 2)) + norm.epsilon!);
        row.forEach((value, at) => (row[at] = ((value - mean) / scale) * (weight?.[at] ?? 1) + (bias?.[at] ?? 0)));
      });
    }
    return rows;
  });
}

/** Columns of the unembedding as rows, the final norm's weight folded in, and its centring where it is a layer norm. */
export function unembeddingSide(subject: Subject, size: number): VocabularySide {
  const { weights, tower } = subject;
  const weight = weights.names.includes('ln_final.w') ? (weights.read('ln_final.w').data as Float32Array) : undefined;
  return side(subject, size, 'W_U', columns => {
    const rows = transpose(columns);
    eachRow(rows, row => {
      row.forEach((value, at) => (row[at] = value * (weight?.[at] ?? 1)));
      const mean = tower.finalNorm?.kind === 'layer' ? meanOf(row) : 0;
      row.forEach((value, at) => (row[at] = value - mean));
    });
    return rows;
  });
}

function side(
  { weights, tower }: Subject,
  size: number,
  name: 'W_E' | 'W_U',
  made: (stored: Matrix) => Matrix
): VocabularySide {
  const read = ({ dims, data }: { readonly dims: readonly number[]; readonly data: unknown }): Matrix =>
    made({ rows: dims[0], columns: dims[1], data: Float64Array.from(data as Float32Array) });
  function* chunks(): ReturnType<VocabularySide['chunks']> {
    for (const { range, tensor } of weights.chunks(name, CHUNK * tower.dModel * 4, { range: [0, size] })) {
      yield { start: range![0], rows: read(tensor) };
    }
  }
  return {
    size,
    chunks,
    rows: ids => {
      const data = new Float64Array(ids.length * tower.dModel);
      // By blocks: a single column of a half-precision table costs as much as all of it.
      for (const { start, rows } of chunks()) {
        ids.forEach((id, at) => {
          if (id >= start && id < start + rows.rows) {
            const from = (id - start) * tower.dModel;
            data.set(rows.data.subarray(from, from + tower.dModel), at * tower.dModel);
          }
        });
      }
      return { rows: ids.length, columns: tower.dModel, data };
    }
  };
}

function eachRow({ rows, columns, data }: Matrix, change: (row: Float64Array) => void): void {
  for (let row = 0; row < rows; row++) {
    change(data.subarray(row * columns, (row + 1) * columns));
  }
}

const meanOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
