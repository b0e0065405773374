import type { Subject } from '../../subject/subject';
import type { TokenSample } from '../geometry/token-sample';
import type { LabelledRows } from './labelled-rows';
import type { ProbeTask } from './probe-fit';
import { splitPoints, type Split } from './split-points';

export const MOST_CLASSES = 32;
const MOST_POINTS = 12000;
/** Largest sample held at once, in bytes of float32. */
const MOST_BYTES = 2 ** 30;

/** A sample, and what the probe is asked about it. */
export interface ProbeData {
  readonly sample: TokenSample;
  /** Points of the sample in the order of the drawn texts. */
  readonly order: readonly number[];
  /** By the drawn order, as are words and groups. */
  readonly task: ProbeTask;
  readonly words: readonly string[];
  readonly groups: readonly number[];
  readonly names: readonly string[];
}

/** Throws for labels that a probe cannot learn, and for points that would not fit. */
export function dataOf({ tower }: Subject, rows: LabelledRows, split: Split, seed: number): ProbeData {
  const { texts, points } = rows;
  if (points.length > MOST_POINTS) {
    throw new Error(`linear probe: ${points.length} labelled words, at most ${MOST_POINTS} are taken`);
  }
  const bytes = points.length * tower.dModel * (tower.layers + 1) * 4;
  if (bytes > MOST_BYTES) {
    throw new Error(
      `sample too large: ${points.length} points of ${tower.layers + 1} places take ${bytes} bytes, at most ${MOST_BYTES} are held; give fewer texts`
    );
  }
  const names = [...new Set(points.map(({ label }) => label))].sort();
  if (names.length < 2 || names.length > MOST_CLASSES) {
    throw new Error(`linear probe: the labels have ${names.length} classes, it needs 2 to ${MOST_CLASSES}`);
  }
  const { order, test } = splitPoints(rows, split, seed);
  const sorted = order.map(at => points[at]);
  const numbers = new Map(names.map((name, at) => [name, at]));
  const all = sorted.map((_, at) => at);
  const task = fair({
    classes: names.length,
    labels: sorted.map(({ label }) => numbers.get(label)!),
    train: all.filter(at => !test[at]),
    test: all.filter(at => test[at])
  });
  const positions = texts.map((): number[] => []);
  points.forEach(({ row, position }) => positions[row].push(position));
  return {
    sample: { texts, positions, points: points.length, tokens: points.length },
    order,
    task,
    words: sorted.map(({ word }) => word),
    groups: sorted.map(({ row }) => row),
    names
  };
}

/** A probe needs two labels to learn, and points to be judged on. */
export function fair(task: ProbeTask): ProbeTask {
  const seen = new Set(task.train.map(at => task.labels[at])).size;
  if (seen < 2 || task.test.length === 0) {
    throw new Error(
      `linear probe: the ${task.train.length} training words have ${seen} of ${task.classes} labels, and there are ${task.test.length} test words; give more texts`
    );
  }
  return task;
}
/** Share of the test points that have the most frequent label of the training points. */
export function majorityShare({ labels, train, test, classes }: ProbeTask): number {
  const counts = Array.from({ length: classes }, (_, k) => train.filter(at => labels[at] === k).length);
  const most = counts.indexOf(Math.max(...counts));
  return test.filter(at => labels[at] === most).length / test.length;
}
