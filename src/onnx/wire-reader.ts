import { joinBytes } from './join-bytes';

/** The four wire types of protobuf that ONNX uses; 3 and 4 (groups) are refused. Source: protobuf.dev, "Encoding". */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** Names of a message's fields by number, for error messages. */
export type FieldNames = Readonly<Record<number, string>>;

/** Counted over the whole file, so that a hostile file cannot make many objects out of few bytes. */
const MAX_MESSAGES = 3_000_000;
const MAX_UNKNOWN = 1_000_000;

const SHORT_STRING = 64;
const utf8 = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

const tooMany = (kind: string, limit: number): string => `is one of more than ${limit} ${kind}s, which is the limit`;

/**
 * A cursor over one file's bytes. Every length is checked before it is used; byte fields are views, never copies.
 * Errors are one sentence: file, field's path, byte offset, what is wrong.
 */
export class WireReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly names: FieldNames[] = [];
  private readonly fields: number[] = [];
  private readonly counts = new Map<string, number>();
  private pos = 0;
  private end: number;
  private start = 0;
  private field = 0;
  private wire = 0;

  constructor(
    bytes: Uint8Array,
    readonly file: string
  ) {
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /** The whole file as one message. Returns the fields that `read` did not take, tags included. */
  root(names: FieldNames, read: (field: number) => boolean): Uint8Array {
    return this.loop(names, read);
  }

  /** The current field as a message; as `root`. */
  message(names: FieldNames, read: (field: number) => boolean): Uint8Array {
    const length = this.length();
    this.count('message', MAX_MESSAGES);
    const outer = this.end;
    const { field, start } = this;
    this.end = this.pos + length;
    const unknown = this.loop(names, read);
    this.end = outer;
    this.field = field;
    this.start = start;
    return unknown;
  }

  /** Each top-level field's number and bytes, tag included. */
  each(names: FieldNames, visit: (field: number, bytes: Uint8Array, wire: number) => void): void {
    this.names.push(names);
    this.fields.push(0);
    while (this.pos < this.end) {
      this.tag(0);
      this.skip();
      visit(this.field, this.verbatim(), this.wire);
    }
  }

  /** Counts one more of `kind` in this file and refuses it above `limit`. */
  count(kind: string, limit: number): void {
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    if (count > limit) {
      this.fail(tooMany(kind, limit));
    }
  }

  /** Refuses the current field's message, before any of it is read, where more than `limit` fields of this number are in it. */
  refuseMore(names: FieldNames, field: number, kind: string, limit: number): void {
    const before = { pos: this.pos, start: this.start, field: this.field, wire: this.wire, end: this.end };
    const length = this.length();
    this.end = this.pos + length;
    this.names.push(names);
    const depth = this.fields.push(0) - 1;
    for (let count = 0; this.pos < this.end; this.skip()) {
      this.tag(depth);
      count += this.field === field ? 1 : 0;
      if (count > limit) {
        this.fail(tooMany(kind, limit));
      }
    }
    this.names.pop();
    this.fields.pop();
    Object.assign(this, before);
  }

  /** A varint as a signed 64-bit integer; a bigint only beyond 2^53. */
  integer(): number | bigint {
    this.expect(VARINT);
    return this.varint(true);
  }

  /** An integer that must be safe (a size, a code, a version). */
  safeInteger(): number {
    const value = this.integer();
    return typeof value === 'number' ? value : this.fail(`is ${value}, beyond 2^53`);
  }

  /** Appends one varint, or a packed run of them. */
  integers(into: (number | bigint)[], signed = true): void {
    this.repeated(VARINT, 1, () => into.push(this.varint(signed)));
  }

  safeIntegers(into: number[]): void {
    this.repeated(VARINT, 1, () => {
      const value = this.varint(true);
      into.push(typeof value === 'number' ? value : this.fail(`is ${value}, beyond 2^53`));
    });
  }

  float(): number {
    this.expect(FIXED32);
    return this.float32();
  }

  floats(into: number[]): void {
    this.repeated(FIXED32, 4, () => into.push(this.float32()));
  }

  doubles(into: number[]): void {
    this.repeated(FIXED64, 8, () => into.push(this.float64()));
  }

  /** A view on the file's bytes. */
  view8(): Uint8Array {
    const length = this.length();
    this.pos += length;
    return this.bytes.subarray(this.pos - length, this.pos);
  }

  /** UTF-8; a malformed sequence becomes U+FFFD. */
  string(): string {
    const length = this.length();
    const from = this.pos;
    this.pos += length;
    if (length < SHORT_STRING) {
      let text = '';
      for (let i = from; i < this.pos && this.bytes[i] < 128; i++) {
        text += String.fromCharCode(this.bytes[i]);
      }
      if (text.length === length) {
        return text;
      }
    }
    const bytes = this.bytes.subarray(from, this.pos);
    return utf8.decode(bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice());
  }

  /** The current field again from its tag, as it stands in the file: what `unknown` keeps. */
  verbatim(): Uint8Array {
    return this.bytes.subarray(this.start, this.pos);
  }

  /** Takes a varint that equals `value`, or leaves the field to be kept as it stands. */
  readIf(value: number, taken: () => void): boolean {
    const from = this.pos;
    if (this.integer() === value) {
      taken();
      return true;
    }
    this.pos = from;
    return false;
  }

  /** Refuses a second occurrence of a message that may stand only once (protobuf would merge the two). */
  once(name: string, earlier: unknown): void {
    if (earlier !== undefined) {
      this.fail(`is a second '${name}', only one may be there`);
    }
  }

  /** Where the current field begins: its tag. */
  get offset(): number {
    return this.start;
  }

  /** Throws: file, path of the current field, offset of its tag, and `what` is wrong. */
  fail(what: string): never {
    throw new Error(`'${this.file}' is broken: field ${this.path()} at offset ${this.start} ${what}`);
  }

  private loop(names: FieldNames, read: (field: number) => boolean): Uint8Array {
    this.names.push(names);
    const depth = this.fields.push(0) - 1;
    const unknown: Uint8Array[] = [];
    while (this.pos < this.end) {
      this.tag(depth);
      if (!read(this.field)) {
        this.count('unknown field', MAX_UNKNOWN);
        this.skip();
        unknown.push(this.verbatim());
      }
    }
    this.names.pop();
    this.fields.pop();
    return unknown.length === 1 ? unknown[0] : joinBytes(unknown);
  }

  private tag(depth: number): void {
    this.start = this.pos;
    this.fields[depth] = this.field = 0;
    const tag = Number(this.varint(false));
    if (tag > 0xffffffff || tag < 8) {
      this.fail(`has the impossible tag ${tag}`);
    }
    this.fields[depth] = this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
  }

  private skip(): void {
    switch (this.wire) {
      case VARINT:
        this.varint(false);
        return;
      case FIXED64:
        this.advance(8);
        return;
      case BYTES:
        this.advance(this.length());
        return;
      case FIXED32:
        this.advance(4);
        return;
      default:
        this.fail(`has wire type ${this.wire}, which ONNX does not use`);
    }
  }

  private expect(wire: number): void {
    if (this.wire !== wire) {
      this.fail(`has wire type ${this.wire}, not ${wire}`);
    }
  }

  private repeated(wire: number, size: number, read: () => void): void {
    if (this.wire !== BYTES) {
      this.expect(wire);
      read();
      return;
    }
    const length = this.length();
    if (length % size !== 0) {
      this.fail(`has ${length} packed bytes, not a multiple of ${size}`);
    }
    const outer = this.end;
    this.end = this.pos + length;
    while (this.pos < this.end) {
      read();
    }
    this.end = outer;
  }

  private length(): number {
    this.expect(BYTES);
    const length = Number(this.varint(false));
    this.need(length);
    return length;
  }

  private need(size: number): void {
    const left = this.end - this.pos;
    if (size <= left) {
      return;
    }
    if (this.fields.length === 1) {
      throw new Error(
        `'${this.file}' is cut off: field ${this.path()} at offset ${this.start} needs ${size} bytes, ${left} are left`
      );
    }
    this.fail(`needs ${size} bytes, its message has ${left} left`);
  }

  private advance(size: number): number {
    this.need(size);
    this.pos += size;
    return this.pos - size;
  }

  private float32(): number {
    return this.view.getFloat32(this.advance(4), true);
  }

  private float64(): number {
    return this.view.getFloat64(this.advance(8), true);
  }

  /** Seven bytes hold 49 bits, exact in a double; longer ones are read again as a bigint. */
  private varint(signed: boolean): number | bigint {
    const from = this.pos;
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.bytes[this.advance(1)];
      value += (byte & 127) * scale;
      if (byte < 128) {
        return value;
      }
    }
    this.pos = from;
    return this.longVarint(signed);
  }

  private longVarint(signed: boolean): number | bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.advance(1)];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        const wrapped = signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
        const number = Number(wrapped);
        return Number.isSafeInteger(number) ? number : wrapped;
      }
    }
    return this.fail('has a varint of more than 10 bytes');
  }

  private path(): string {
    return this.fields.map((field, i) => (field === 0 ? '?' : (this.names[i][field] ?? `#${field}`))).join('.');
  }
}
