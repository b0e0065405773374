import type { Model } from '../../onnx/model';
import { constantRows } from './constant-rows';
import { constantValues, type ConstantSources, type ConstantValues } from './constant-values';
import { integerConvolution, integerProduct, integerTable, type IntegerProduct } from './integer-product';

type Rows = readonly [number, number];
type Read = (rows?: Rows) => ConstantValues | undefined;

/** Readers of weights that are stored as integers beside a scale and a zero point, by initialiser: (q − zero point) · scale. */
export const integerWeights = ({ graph }: Model, sources: ConstantSources): ReadonlyMap<string, Read> => {
  const known = { producer: sources.producer, isInitialiser: (name: string) => sources.tensors.has(name) };
  return new Map(
    graph.nodes.flatMap(node => {
      const found = integerProduct(node, known) ?? integerTable(node, known);
      const conv = integerConvolution(node, known)?.found;
      return [
        ...(found ? [[found.weight, (rows?: Rows) => dequantised(found, sources, rows)] as const] : []),
        ...(conv ? [[conv.weight, () => dequantisedFilters(conv, sources)] as const] : [])
      ];
    })
  );
};

const dequantised = (
  { weight, scale, zero }: IntegerProduct,
  sources: ConstantSources,
  rows: Rows | undefined
): ConstantValues | undefined => {
  const q = rows ? constantRows(sources, weight, rows) : constantValues(sources, weight);
  const [factors, zeros] = [scale, zero].map(name => (name === undefined ? undefined : constantValues(sources, name)));
  const columns = q?.dims.at(-1) ?? 0;
  const fits = [factors, zeros].every(numbers => !numbers || [1, columns].includes(numbers.data.length));
  if (q?.dims.length !== 2 || !factors || !fits || (zero !== undefined && !zeros)) {
    return undefined;
  }
  const each = (numbers: ConstantValues, column: number): number =>
    numbers.data[numbers.data.length === 1 ? 0 : column];
  const data = q.data.slice();
  data.forEach((value, at) => {
    const column = at % columns;
    data[at] = (value - (zeros ? each(zeros, column) : 0)) * each(factors, column);
  });
  return { dims: [q.dims[0], columns], data };
};

/** [out, in, height, width], with one scale for all or one a filter. */
const dequantisedFilters = (
  { weight, scale, zero }: IntegerProduct,
  sources: ConstantSources
): ConstantValues | undefined => {
  const q = constantValues(sources, weight);
  const [factors, zeros] = [scale, zero].map(name => (name === undefined ? undefined : constantValues(sources, name)));
  const filters = q?.dims[0] ?? 0;
  const fits = [factors, zeros].every(numbers => !numbers || [1, filters].includes(numbers.data.length));
  if (q?.dims.length !== 4 || !factors || !fits || (zero !== undefined && !zeros)) {
    return undefined;
  }
  const size = q.data.length / filters;
  const each = (numbers: ConstantValues, filter: number): number =>
    numbers.data[numbers.data.length === 1 ? 0 : filter];
  const data = q.data.map((value, at) => {
    const filter = Math.floor(at / size);
    return (value - (zeros ? each(zeros, filter) : 0)) * each(factors, filter);
  });
  return { dims: q.dims, data };
};
