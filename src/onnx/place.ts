import type { Node, TensorProto } from './model';

type Placed = Node | TensorProto;

/** Of what was read from a file and not changed since: where its field begins. */
const offsets = new WeakMap<Placed, number>();

export const placed = <T extends Placed>(thing: T, offset: number): T => {
  offsets.set(thing, offset);
  return thing;
};

/** For a message, behind the name: " at offset 1234"; '' of what stands so in no file. */
export const placeOf = (thing: Placed): string => {
  const offset = offsets.get(thing);
  return offset === undefined ? '' : ` at offset ${offset}`;
};

/** A changed copy is still what stands there. */
export const samePlace = <T extends Placed>(copy: T, original: Placed): T => {
  const offset = offsets.get(original);
  return offset === undefined ? copy : placed(copy, offset);
};
