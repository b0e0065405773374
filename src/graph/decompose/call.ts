import type { Node } from '../../onnx/model';
import { quoted } from '../../onnx/quoted';
import { refuse, type Call, type Outputs, type Refusal, type Row } from './rule';

const text = new TextDecoder();

/** The oldest opset of ai.onnx whose operators the primitive forms are made of. */
const OLDEST_OPSET = 11;

const bare = (name: string): string => name.replace('?', '');

export const callOf = (node: Node, { inputs, limits = [] }: Row, wanted: readonly boolean[]): Call => {
  const find = (name: string) => node.attributes.find(attribute => attribute.name === name);
  const places = new Map(inputs.map((name, i) => [bare(name), i]));
  return {
    node,
    input: name => node.inputs[places.get(name) ?? -1] || undefined,
    required: name => node.inputs[places.get(name)!],
    wants: output => wanted[output] === true,
    int: name => (find(name)?.i === undefined ? undefined : Number(find(name)!.i)),
    ints: name => find(name)?.ints?.map(Number),
    float: name => find(name)?.f,
    text: name => (find(name)?.s === undefined ? undefined : text.decode(find(name)!.s)),
    refuse: (limit, ...values) => {
      if (!limits.includes(limit)) {
        throw new Error(`limit not listed: the row of ${node.opType} does not say '${limit}'`);
      }
      return refuse(
        node,
        values.reduce<string>((words, value) => words.replace('…', `${value ?? '?'}`), limit)
      );
    }
  };
};

/** Attributes and inputs that the row does not name, and inputs that it needs. */
export const unsupported = (node: Node, row: Row, opset: number): Refusal | undefined => {
  if (opset < OLDEST_OPSET) {
    return refuse(node, `opset ${opset} of ai.onnx is older than ${OLDEST_OPSET}`);
  }
  return strangeAttribute(node, row) ?? strangeInput(node, row);
};

const strangeAttribute = (node: Node, row: Row): Refusal | undefined => {
  for (const { name, i, f, s } of node.attributes) {
    const value = s ? text.decode(s) : Number(i ?? f ?? 0);
    const allowed = row.only?.[name];
    if (allowed ? !allowed.includes(value) : !row.attributes.includes(name)) {
      return refuse(node, `its attribute ${quoted(name)} is ${value}, ${onlyAllowed(row, name)}`);
    }
  }
  return undefined;
};

const onlyAllowed = ({ only, because }: Row, name: string): string => {
  const allowed = only?.[name];
  const verb = allowed?.length === 1 ? 'is' : 'are';
  return allowed
    ? `only ${allowed.join(' and ')} ${verb} understood${reason(because, name)}`
    : 'which is not understood';
};

const reason = (because: Row['because'], name: string): string => (because?.[name] ? ` (${because[name]})` : '');

const strangeInput = (node: Node, { inputs, because }: Row): Refusal | undefined => {
  const lacking = inputs.find((name, i) => name !== '' && !name.endsWith('?') && !node.inputs[i]);
  if (lacking !== undefined) {
    return refuse(node, `its input '${lacking}' is missing`);
  }
  const strange = node.inputs.findIndex(
    (input, i) => input !== '' && (!inputs[i] || bare(inputs[i]) in (because ?? {}))
  );
  if (strange < 0) {
    return undefined;
  }
  const name = bare(inputs[strange] ?? '');
  return refuse(
    node,
    `its input ${name ? `'${name}'` : strange} (${quoted(node.inputs[strange])}) is not understood${reason(because, name)}`
  );
};

/** The rule's answer, or a refusal where it lacks an output that somebody reads. */
export const complete = (node: Node, wanted: readonly boolean[], made: Outputs): Outputs | Refusal => {
  const lacking = wanted.findIndex((wants, i) => wants && made[i] === undefined);
  return lacking < 0 ? made : refuse(node, `its output ${lacking} (${quoted(node.outputs[lacking])}) is not made`);
};
