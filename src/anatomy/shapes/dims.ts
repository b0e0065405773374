/**
 * The size of an axis: a number, or a product of run-time sizes written 'batch', '4*batch*pos' (number first, names
 * sorted), or null where nothing is known. Equal strings are equal sizes.
 */
export type Dim = number | string | null;

export const product = (dims: readonly Dim[]): Dim => {
  if (dims.includes(null)) {
    return null;
  }
  const { factor, names } = split(dims);
  if (factor === 0 || names.length === 0) {
    return factor;
  }
  return [...(factor === 1 ? [] : [String(factor)]), ...names.sort()].join('*');
};

/** `dims` multiplied, divided by `by` multiplied; null unless it comes out exactly. */
export const quotient = (dims: readonly Dim[], by: readonly Dim[]): Dim => {
  if (dims.includes(null) || by.includes(null)) {
    return null;
  }
  const over = split(dims);
  const under = split(by);
  for (const name of under.names) {
    const at = over.names.indexOf(name);
    if (at < 0) {
      return null;
    }
    over.names.splice(at, 1);
  }
  const factor = over.factor / under.factor;
  return Number.isInteger(factor) ? product([factor, ...over.names]) : null;
};

const split = (dims: readonly Dim[]): { factor: number; names: string[] } => {
  const parts = dims.flatMap(dim => (typeof dim === 'string' ? dim.split('*') : [String(dim)]));
  const isNumber = (part: string): boolean => /^-?\d+$/.test(part);
  return {
    factor: parts.filter(isNumber).reduce((total, part) => total * Number(part), 1),
    names: parts.filter(part => !isNumber(part))
  };
};

/** Two sizes that meet in an element-wise operation. */
export const broadcastDim = (a: Dim, b: Dim): Dim => {
  if (a === 1 || a === b) {
    return b;
  }
  if (b === 1) {
    return a;
  }
  // A number other than 1 wins over a name, a name over what is not known: the operation would fail otherwise.
  return [a, b].find(dim => typeof dim === 'number') ?? (a === null || b === null ? (a ?? b) : null);
};

export const broadcast = (shapes: readonly (readonly Dim[])[]): Dim[] => {
  const rank = Math.max(...shapes.map(shape => shape.length));
  const padded = shapes.map(shape => [...Array<Dim>(rank - shape.length).fill(1), ...shape]);
  return Array.from({ length: rank }, (_, axis) => padded.map(shape => shape[axis]).reduce(broadcastDim, 1));
};
