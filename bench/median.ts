/** The upper one of the two in the middle, where their number is even. */
export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];
