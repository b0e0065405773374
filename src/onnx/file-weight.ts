import type { DataFile } from './data-file';
import type { Weight } from './weights';

/** A weight whose bytes stay in their file: they are read when asked for, and again once nothing holds them. */
export class FileWeight implements Weight {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;

  constructor(
    tensor: Pick<Weight, 'name' | 'dims' | 'dataType'>,
    readonly file: DataFile,
    readonly offset: number,
    readonly length: number
  ) {
    ({ name: this.name, dims: this.dims, dataType: this.dataType } = tensor);
  }

  get bytes(): Uint8Array {
    const found = recent.get(this);
    recent.delete(this);
    const bytes = found ?? this.file.read(this.offset, this.length);
    recent.set(this, bytes);
    forgetBeyond(MOST_HELD);
    return bytes;
  }

  /** Bytes [start, end) of it. */
  part(start: number, end: number): Uint8Array {
    return recent.get(this)?.subarray(start, end) ?? this.file.read(this.offset + start, end - start);
  }
}

/** What was read last, the oldest first: most weights are asked for several times in a row. */
const recent = new Map<FileWeight, Uint8Array>();
const MOST_HELD = 2 ** 25;

const forgetBeyond = (most: number): void => {
  let sum = 0;
  recent.forEach(({ length }) => (sum += length));
  for (const [weight, { length }] of recent) {
    if (sum <= most) {
      return;
    }
    recent.delete(weight);
    sum -= length;
  }
};

/** Bytes [start, end) of a weight: no more is read than that. */
export const weightPart = (weight: Weight, start: number, end: number): Uint8Array =>
  weight instanceof FileWeight ? weight.part(start, end) : weight.bytes.subarray(start, end);

/** The same weight under another name. */
export const renamedWeight = (weight: Weight, name: string): Weight =>
  weight instanceof FileWeight
    ? new FileWeight({ ...weight, name }, weight.file, weight.offset, weight.length)
    : { ...weight, name };
