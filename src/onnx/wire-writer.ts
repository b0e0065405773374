import { BYTES, FIXED32, VARINT, WireReader } from './wire-reader';

/** Byte arrays from this size on are pushed as they are. */
const LARGE = 4096;
const FIRST_BLOCK = 1 << 16;

const utf8 = new TextEncoder();

interface Mark {
  readonly chunk: number;
  readonly at: number;
}

/** One field that the reader did not decode, tag included. */
interface Kept {
  readonly field: number;
  readonly bytes: Uint8Array;
}

/**
 * Writes a message as a list of chunks. Small fields go into a growing block; a large byte array ends the chunk and is
 * pushed without a copy. A message's length is put in front of it afterwards, so nothing is measured twice.
 * Kept fields go before the first known field of a higher number: files in field order come back byte for byte.
 */
export class WireWriter {
  private readonly chunks: Uint8Array[] = [];
  private block = new Uint8Array(FIRST_BLOCK);
  private view = new DataView(this.block.buffer);
  private from = 0;
  private pos = 0;
  private kept: readonly Kept[] = [];
  private nextKept = 0;

  /** The whole file; fields must be written in ascending order. */
  root(unknown: Uint8Array, write: () => void): Uint8Array[] {
    this.body(unknown, write);
    this.flush();
    return this.chunks;
  }

  message(field: number, unknown: Uint8Array, write: () => void): void {
    this.tag(field, BYTES);
    const mark: Mark = { chunk: this.chunks.length, at: this.pos - this.from };
    this.body(unknown, write);
    this.insertLength(mark);
  }

  integer(field: number, value: number | bigint): void {
    this.tag(field, VARINT);
    this.varint(value);
  }

  float(field: number, value: number): void {
    this.tag(field, FIXED32);
    this.float32(value);
  }

  string(field: number, value: string): void {
    this.bytes(field, utf8.encode(value));
  }

  /** Written only when not empty. */
  text(field: number, value: string): void {
    if (value !== '') {
      this.string(field, value);
    }
  }

  bytes(field: number, value: Uint8Array): void {
    this.tag(field, BYTES);
    this.varint(value.length);
    this.raw(value);
  }

  /** One run for all values; nothing when there are none. */
  packed(field: number, kind: 'integer' | 'float' | 'double', values: readonly (number | bigint)[]): void {
    if (values.length > 0) {
      this.message(field, new Uint8Array(0), () => values.forEach(value => this.value(kind, value)));
    }
  }

  /** A field that stands as it was read, tag included. */
  verbatim(field: number, bytes: Uint8Array): void {
    this.releaseBelow(field);
    this.raw(bytes);
  }

  private value(kind: 'integer' | 'float' | 'double', value: number | bigint): void {
    if (kind === 'integer') {
      this.varint(value);
    } else if (kind === 'float') {
      this.float32(Number(value));
    } else {
      this.float64(Number(value));
    }
  }

  private body(unknown: Uint8Array, write: () => void): void {
    const { kept, nextKept } = this;
    this.kept = unknown.length === 0 ? [] : keptFields(unknown);
    this.nextKept = 0;
    write();
    this.releaseBelow(Infinity);
    this.kept = kept;
    this.nextKept = nextKept;
  }

  private releaseBelow(field: number): void {
    while (this.nextKept < this.kept.length && this.kept[this.nextKept].field < field) {
      this.raw(this.kept[this.nextKept++].bytes);
    }
  }

  private tag(field: number, wire: number): void {
    this.releaseBelow(field);
    this.varint(field * 8 + wire);
  }

  private raw(value: Uint8Array): void {
    if (value.length >= LARGE) {
      this.flush();
      this.chunks.push(value);
      return;
    }
    this.reserve(value.length);
    this.block.set(value, this.pos);
    this.pos += value.length;
  }

  private varint(value: number | bigint): void {
    this.reserve(10);
    if (typeof value === 'number' && value >= 0) {
      for (; value >= 128; value = Math.floor(value / 128)) {
        this.block[this.pos++] = (value % 128) | 128;
      }
      this.block[this.pos++] = value;
      return;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 128n; rest >>= 7n) {
      this.block[this.pos++] = Number(rest & 127n) | 128;
    }
    this.block[this.pos++] = Number(rest);
  }

  private float32(value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.pos, value, true);
    this.pos += 4;
  }

  private float64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.pos, value, true);
    this.pos += 8;
  }

  private reserve(size: number): void {
    if (this.pos + size <= this.block.length) {
      return;
    }
    const pending = this.block.subarray(this.from, this.pos);
    const next = new Uint8Array(Math.max(FIRST_BLOCK, 2 * (pending.length + size)));
    next.set(pending);
    this.block = next;
    this.view = new DataView(next.buffer);
    this.from = 0;
    this.pos = pending.length;
  }

  private flush(): void {
    if (this.pos > this.from) {
      this.chunks.push(this.block.subarray(this.from, this.pos));
      this.from = this.pos;
    }
  }

  private insertLength({ chunk, at }: Mark): void {
    if (chunk < this.chunks.length) {
      this.splitForLength(chunk, at);
      return;
    }
    const length = this.pos - this.from - at;
    const size = varintSize(length);
    this.reserve(size + 10);
    const start = this.from + at;
    this.block.copyWithin(start + size, start, this.pos);
    this.pos = start;
    this.varint(length);
    this.pos = start + size + length;
  }

  /** A chunk was pushed since the mark: the length becomes a chunk of its own. */
  private splitForLength(chunk: number, at: number): void {
    this.flush();
    const whole = this.chunks[chunk];
    const length = this.chunks.slice(chunk).reduce((sum, part) => sum + part.length, 0) - at;
    this.varint(length);
    const prefix = this.block.subarray(this.from, this.pos);
    this.from = this.pos;
    const parts = [whole.subarray(0, at), prefix, whole.subarray(at)].filter(part => part.length > 0);
    this.chunks.splice(chunk, 1, ...parts);
  }
}

const varintSize = (value: number): number => {
  let size = 1;
  for (; value >= 128; value = Math.floor(value / 128)) {
    size++;
  }
  return size;
};

/** The kept bytes cut into fields, in ascending order. */
const keptFields = (unknown: Uint8Array): readonly Kept[] => {
  const fields: Kept[] = [];
  new WireReader(unknown, 'kept fields').each({}, (field, bytes) => fields.push({ field, bytes }));
  return fields.sort((a, b) => a.field - b.field);
};
