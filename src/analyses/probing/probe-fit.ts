import { linearAlgebra } from '../../maths/linear-algebra';
import { fitLogistic, logisticLogProbabilities } from '../../maths/logistic-regression';
import type { Matrix } from '../../maths/matrix';
import { codelength, portions } from '../../maths/online-code';
import { random } from '../../maths/random';

/** Points that a probe is trained and judged on, by their numbers. */
export interface ProbeTask {
  readonly classes: number;
  /** Of each point. */
  readonly labels: readonly number[];
  readonly train: readonly number[];
  readonly test: readonly number[];
}

export interface ProbeScores {
  readonly accuracy: number;
  /** Of each test point: the probe was right. */
  readonly right: readonly boolean[];
  readonly converged: boolean;
}

/** Logistic regression on standardised coordinates (mean and deviation of the training points), C its inverse penalty. */
export async function probe(
  points: Matrix,
  { classes, labels, train, test }: ProbeTask,
  c: number
): Promise<ProbeScores> {
  const { logs, converged } = await fitted(points, labels, train, test, classes, c);
  const right = test.map((point, i) => {
    const row = logs.data.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row)) === labels[point];
  });
  return { accuracy: right.filter(Boolean).length / right.length, right, converged };
}

/** Bits of the online code of all labels in the order of the points; `between` lets a cancel be heard. */
export async function onlineCode(
  points: Matrix,
  { labels, classes }: Pick<ProbeTask, 'labels' | 'classes'>,
  c: number,
  between: () => Promise<void>
): Promise<number> {
  const ends = portions(labels, classes);
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
  const coded: number[] = [];
  for (const [i, end] of ends.slice(0, -1).entries()) {
    await between();
    const next = range(end, ends[i + 1]);
    const { logs } = await fitted(points, labels, range(0, end), next, classes, c);
    next.forEach((point, row) => coded.push(logs.data[row * classes + labels[point]]));
  }
  return codelength(ends[0], classes, coded);
}

async function fitted(
  points: Matrix,
  labels: readonly number[],
  train: readonly number[],
  test: readonly number[],
  classes: number,
  c: number
): Promise<{ logs: Matrix; converged: boolean }> {
  const [x, y] = standardised(rowsOf(points, train), rowsOf(points, test));
  const model = fitLogistic(
    x,
    train.map(point => labels[point]),
    { classes, c },
    await linearAlgebra()
  );
  return { logs: logisticLogProbabilities(model, y), converged: model.converged };
}

function rowsOf({ columns, data }: Matrix, rows: readonly number[]): Matrix {
  const part = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => part.set(data.subarray(row * columns, (row + 1) * columns), i * columns));
  return { rows: rows.length, columns, data: part };
}

/** By mean and deviation of the first; coordinates that do not vary there are only shifted. */
function standardised(train: Matrix, test: Matrix): [Matrix, Matrix] {
  const { rows, columns } = train;
  const [mean, square] = [new Float64Array(columns), new Float64Array(columns)];
  train.data.forEach((value, at) => (mean[at % columns] += value / rows));
  train.data.forEach((value, at) => (square[at % columns] += (value - mean[at % columns]) ** 2 / rows));
  const scaled = (x: Matrix): Matrix => ({
    ...x,
    data: x.data.map((value, at) => (value - mean[at % columns]) / (Math.sqrt(square[at % columns]) || 1))
  });
  return [scaled(train), scaled(test)];
}

/**
 * Hewitt & Liang 2019's control task: each word type gets one label, drawn from the labels of the points as often as they occur there. Labels
 * are given for each point.
 */
export function controlLabels(words: readonly string[], labels: readonly number[], seed: number): number[] {
  const stream = random(seed);
  const drawn = new Map<string, number>();
  return words.map(word => {
    const label = drawn.get(word) ?? labels[stream.below(labels.length)];
    drawn.set(word, label);
    return label;
  });
}

const RESAMPLES = 1000;

/** 95 % bootstrap interval of an accuracy: groups (texts) are drawn again with replacement, whole. */
export function bootstrapInterval(
  right: readonly boolean[],
  groups: readonly number[],
  seed: number
): [number, number] {
  const stream = random(seed);
  const members = new Map<number, boolean[]>();
  right.forEach((one, i) => members.set(groups[i], [...(members.get(groups[i]) ?? []), one]));
  const counts = [...members.values()].map(all => [all.filter(Boolean).length, all.length] as const);
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let [hits, total] = [0, 0];
    for (let i = 0; i < counts.length; i++) {
      const [ok, size] = counts[stream.below(counts.length)];
      hits += ok;
      total += size;
    }
    return hits / total;
  }).sort();
  return [means[Math.floor(0.025 * RESAMPLES)], means[Math.ceil(0.975 * RESAMPLES) - 1]];
}
