import type { NormPart } from '../../anatomy/anatomy';

/** A norm of one activation with its scale held at what was measured: affine in the activation, so that parts of it add up. */
export interface FrozenNorm {
  /** The norm's scale at this activation, √(variance + ε) or √(mean square + ε). */
  readonly scale: number;
  /** The linear part of the norm, its bias left out: w∘(x − mean x)/scale. */
  apply(vector: Float64Array): Float64Array;
  /** In place: what a direction behind the norm is in front of it, without the scale. u ↦ w∘u, less its mean for layer norms. */
  pullBack(direction: Float64Array): Float64Array;
}

/** Without a norm everything stays as it is. */
export const NO_NORM: FrozenNorm = { scale: 1, apply: vector => vector, pullBack: direction => direction };

/** `weight` of ones where the file has none. Throws for a norm whose ε is not known. */
export function frozenNorm(part: NormPart, weight: Float32Array | undefined, activation: Float64Array): FrozenNorm {
  if (part.epsilon === undefined) {
    throw new Error(`norm not understood: '${part.output}' has no known epsilon`);
  }
  const centred = part.kind === 'layer';
  const mean = centred ? meanOf(activation) : 0;
  const square = activation.reduce((sum, value) => sum + (value - mean) ** 2, 0) / activation.length;
  const scale = Math.sqrt(square + part.epsilon);
  return {
    scale,
    apply: vector => {
      const less = centred ? meanOf(vector) : 0;
      return vector.map((value, at) => ((value - less) * (weight?.[at] ?? 1)) / scale);
    },
    pullBack: direction => {
      direction.forEach((value, at) => (direction[at] = value * (weight?.[at] ?? 1)));
      const less = centred ? meanOf(direction) : 0;
      direction.forEach((value, at) => (direction[at] = value - less));
      return direction;
    }
  };
}

const meanOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
