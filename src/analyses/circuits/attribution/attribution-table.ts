import type { Tower } from '../../../anatomy/anatomy';
import type { Attributed, Term } from './attribution-run';
import { Sums } from './sums';

/** A term's mean and standard deviation over the prompts, logits. */
export interface AverageTerm extends Term {
  readonly deviation: number;
}

export interface AverageNeuron {
  readonly layer: number;
  readonly neuron: number;
  readonly value: number;
  readonly deviation: number;
}

export interface Average {
  readonly terms: readonly AverageTerm[];
  readonly measured: number;
  /** The largest first, by absolute value; at most `KEPT`. */
  readonly neurons: readonly AverageNeuron[];
}

const KEPT = 100;

export interface Averaging {
  add(attributed: Attributed): void;
  end(): Average;
}

/** Means over prompts of one model: all have the same terms. */
export function averageTerms(): Averaging {
  let names: readonly Term[] = [];
  let terms: Sums | undefined;
  let neurons: readonly Sums[] = [];
  const measured = new Sums(1);
  return {
    add: attributed => {
      names = attributed.terms;
      terms ??= new Sums(names.length);
      terms.add(names.map(({ value }) => value));
      neurons = neurons.length ? neurons : attributed.neurons.map(layer => new Sums(layer.length));
      neurons.forEach((sums, layer) => sums.add(attributed.neurons[layer]));
      measured.add([attributed.measured]);
    },
    end: () => ({
      terms: names.map((term, at) => ({ ...term, value: terms!.mean(at), deviation: terms!.deviation(at) })),
      measured: measured.mean(0),
      neurons: largest(neurons)
    })
  };
}

function largest(layers: readonly Sums[]): AverageNeuron[] {
  return layers
    .flatMap((sums, layer) => {
      const order = Array.from(sums.means, (value, neuron) => ({ value, neuron }));
      order.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
      return order.slice(0, KEPT).map(one => ({ ...one, layer, deviation: sums.deviation(one.neuron) }));
    })
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, KEPT);
}

/** [layer · heads + head] */
export const headTerms = ({ terms }: Average, { layers, heads }: Tower): number[] => {
  const values = Array<number>(layers * heads).fill(0);
  terms.forEach(({ kind, layer, head, value }) => {
    if (kind === 'head') {
      values[layer! * heads + head!] = value;
    }
  });
  return values;
};
