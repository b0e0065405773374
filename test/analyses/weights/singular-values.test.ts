import { singularValues } from '../../../src/analyses/weights/singular-values';
import { open } from '../circuits/lens';

const { signal } = new AbortController();

test('squares of the singular values sum to the square of the Frobenius norm; ranks are those of the shape', async () => {
  const subject = await open('gpt2', 'optimum');
  for (const [kind, layer] of [
    ['W_Q', 0],
    ['W_O', 1],
    ['W_in', 1],
    ['W_E', undefined]
  ] as const) {
    const { values, rows, columns, rank } = await singularValues(subject, kind, layer, signal);
    const { data } = subject.weights.read(kind, layer === undefined ? {} : { layers: [layer] });
    const norm = (data as Float32Array).reduce((sum, value) => sum + value * value, 0);
    // Both sums are in double precision of the same single precision numbers.
    expect(values.reduce((sum, value) => sum + value * value, 0) / norm).toBeCloseTo(1, 9);
    expect(rows * columns).toBe(data.length);
    expect(rank).toBe(values.length);
    expect(rank).toBeLessThanOrEqual(Math.min(rows, columns));
    expect([...values].sort((a, b) => b - a)).toEqual(values);
  }
  await subject.close();
});

test('a map that the model does not have is refused by name', async () => {
  const subject = await open('gpt2', 'optimum');
  await expect(singularValues(subject, 'W_gate', 0, signal)).rejects.toThrow(
    "weight missing: 'W_gate' of layer 0 is no map of this model"
  );
  await expect(singularValues(subject, 'W_Q', undefined, signal)).rejects.toThrow("'W_Q' is no map");
  await expect(singularValues(subject, 'W_Q', 99, signal)).rejects.toThrow('99');
  await expect(singularValues(subject, 'W_Q', 0, AbortSignal.abort())).rejects.toThrow();
  await subject.close();
});
