import { ReadAhead } from './read-ahead';

/** Bytes [start, end) of a file. */
export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

type Message = 'model' | 'function' | 'main' | 'graph' | 'node' | 'attribute' | 'weight' | 'tensor';

/** Long fields that stay zeros: all that hold no message, or the raw data of the main graph's initialisers and nothing else. */
export type LeftOut = 'long' | 'weights';

/** Fields that hold messages which may hold tensors; other fields are read whole, or left out where they are long. */
const INNER: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'main', 25: 'function' },
  function: { 7: 'node' },
  main: { 1: 'node', 5: 'weight' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' },
  weight: {},
  tensor: {}
};
const RAW_DATA = 9;

/** A longer field is entered where it is a message, and may be left out otherwise. */
const SHORT = 2 ** 18;
/** Read at once: the nodes, which come first, then more and more along the file, little after a leap. */
const [FIRST_READ, LEAST_READ, MOST_READ] = [2 ** 18, 2 ** 15, 2 ** 20];
/** Of a file that is no outline but a trap, or whose weights are many small tensors. */
const MOST_REQUESTS = 4000;
const MOST_BYTES = 2 ** 26;
const DEEPEST = 32;

/**
 * An ONNX file of `size` bytes as far as its graph needs it: what is left out is zeros, which cost nothing until they are touched.
 * Reads the file in ranges, forwards, several at once where the next can be guessed. Throws where it is broken, or where the graph alone is too large to be worth it.
 */
export async function readOutline(size: number, read: ReadRange, leave: LeftOut): Promise<Uint8Array> {
  const outline = new Outline(size, read, leave);
  await outline.walk('model', 0, size, 0);
  return outline.bytes;
}

class Outline {
  readonly bytes: Uint8Array;

  constructor(
    private readonly _size: number,
    private readonly _read: ReadRange,
    private readonly _leave: LeftOut
  ) {
    this.bytes = new Uint8Array(_size);
    this._ahead = new ReadAhead(_size, (start, end) => this._counted(start, end));
  }

  async walk(message: Message, start: number, end: number, depth: number): Promise<void> {
    if (depth > DEEPEST) {
      throw new Error(`outline not read: messages lie more than ${DEEPEST} deep`);
    }
    let at = start;
    while (at < end) {
      await this._have(at, Math.min(end, at + 20));
      const tag = this._varint(at, end);
      at = tag.next;
      if (tag.value % 8 !== 2) {
        at = this._afterScalar(tag.value % 8, at, end);
        continue;
      }
      const length = this._varint(at, end);
      const [from, to] = [length.next, length.next + length.value];
      if (to > end) {
        throw new Error(`outline not read: a field at byte ${at} ends behind its message`);
      }
      const field = Math.floor(tag.value / 8);
      const inner = INNER[message][field];
      const stays = this._leave === 'weights' && !(message === 'weight' && field === RAW_DATA);
      if (length.value <= SHORT || (stays && !inner)) {
        await this._have(from, to);
      } else if (inner) {
        await this.walk(inner, from, to, depth + 1);
      }
      at = to;
    }
  }

  private _afterScalar(wire: number, at: number, end: number): number {
    const next = wire === 0 ? this._varint(at, end).next : at + (wire === 1 ? 8 : wire === 5 ? 4 : NaN);
    if (!(next <= end)) {
      throw new Error(`outline not read: no field of ONNX at byte ${at}`);
    }
    return next;
  }

  /** Little-endian groups of seven bits; lengths fit a double's 53 bits. */
  private _varint(at: number, end: number): { readonly value: number; readonly next: number } {
    let [value, next, scale] = [0, at, 1];
    for (; next < end && next < at + 10; next++, scale *= 128) {
      value += (this.bytes[next] % 128) * scale;
      if (this.bytes[next] < 128) {
        return { value, next: next + 1 };
      }
    }
    throw new Error(`outline not read: no number at byte ${at}`);
  }

  private async _have(from: number, to: number): Promise<void> {
    if (from < this._from || from > this._to) {
      [this._from, this._to, this._step] = [from, from, LEAST_READ];
      const piece = await this._ahead.land(from);
      if (piece) {
        this.bytes.set(piece.bytes, piece.start);
        this._to = piece.start + piece.bytes.length;
      }
    }
    while (this._to < to) {
      const end = Math.min(this._size, Math.max(to, this._to + this._step));
      const piece = await this._counted(this._to, end);
      if (piece.length !== end - this._to) {
        throw new Error(`outline not read: ${piece.length} bytes came where ${end - this._to} were asked for`);
      }
      this.bytes.set(piece, this._to);
      this._to = end;
      this._step = Math.min(MOST_READ, 2 * this._step);
    }
  }

  private async _counted(start: number, end: number): Promise<Uint8Array> {
    this._total += end - start;
    if (++this._requests > MOST_REQUESTS || this._total > MOST_BYTES) {
      throw new Error(`outline not read: its graph takes more than ${MOST_REQUESTS} reads or ${MOST_BYTES} bytes`);
    }
    return this._read(start, end);
  }

  /** What is there behind the last leap. */
  private _from = 0;
  private _to = 0;
  private _step = FIRST_READ;
  private readonly _ahead: ReadAhead;
  private _requests = 0;
  private _total = 0;
}
