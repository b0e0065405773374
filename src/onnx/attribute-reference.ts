import { ATTRIBUTE } from './field-names';
import type { Attribute } from './model';
import { WireReader } from './wire-reader';

/** AttributeProto.ref_attr_name, which only nodes of local functions have: the function's attribute that gives the value. */
const REFERENCE = 21;

export const attributeReference = ({ name, unknown }: Attribute): string | undefined => {
  if (unknown.length === 0) {
    return undefined;
  }
  let reference: string | undefined;
  const reader = new WireReader(unknown, name);
  reader.root(ATTRIBUTE, field => {
    reference = field === REFERENCE ? reader.string() : reference;
    return field === REFERENCE;
  });
  return reference;
};
