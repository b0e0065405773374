import type { Graph, Model, OpsetId, ValueInfo } from '../onnx/model';
import { takenNames } from './decompose/taken-names';
import { renameTensors } from './rename-tensors';
import { uniqueNames } from './unique-names';

/** A graph that gives states and one that reads them, as one. */
export interface JoinedModels {
  readonly model: Model;
  /** Names of the first graph's tensors in the joined one. */
  renamed(name: string): string;
}

/**
 * An encoder's file and its decoder's as one model: the encoder's last states are the decoder's input for them, with nothing between. Names
 * are those of exports that hold both: inputs that both have are 'input_ids' and 'decoder_input_ids', the encoder's outputs
 * 'encoder_last_hidden_state'. Throws where no output fits an input, or the files speak different versions of the operators.
 */
export const joinModels = (encoder: Model, decoder: Model): JoinedModels => {
  const [given, read] = statesOf(encoder.graph, decoder.graph);
  const opsets = joinedOpsets(encoder, decoder);
  const unique = uniqueNames([...takenNames(decoder.graph)]);
  const inputs = new Set(ownInputs(encoder.graph).map(({ name }) => name));
  const outputs = new Set(encoder.graph.outputs.map(({ name }) => name));
  const clashes = decoderNames(decoder.graph, inputs, unique);
  const names = new Map<string, string>();
  const renamed = (name: string): string => {
    const known = names.get(name);
    const fresh =
      known ?? (inputs.has(name) ? name : unique(outputs.has(name) ? `encoder_${name}` : `encoder.${name}`));
    names.set(name, fresh);
    return fresh;
  };
  const first = renameTensors(encoder.graph, renamed);
  const states = renamed(given.name);
  const second = renameTensors(decoder.graph, name => (name === read.name ? states : (clashes.get(name) ?? name)));
  const graph: Graph = {
    ...second,
    nodes: [...first.nodes.map(node => ({ ...node, name: `encoder.${node.name}` })), ...second.nodes],
    initializers: [...first.initializers, ...second.initializers],
    inputs: [...first.inputs, ...second.inputs.filter(({ name }) => name !== states)],
    outputs: [...second.outputs, ...first.outputs],
    valueInfos: [...first.valueInfos, ...second.valueInfos]
  };
  const irVersion = Math.max(encoder.irVersion, decoder.irVersion);
  const functions = [...encoder.functions, ...decoder.functions];
  return { model: { ...decoder, irVersion, opsets, functions, graph }, renamed };
};

/** Inputs that no initialiser stands behind. */
const ownInputs = ({ inputs, initializers }: Graph): readonly ValueInfo[] => {
  const constants = new Set(initializers.map(({ name }) => name));
  return inputs.filter(({ name }) => !constants.has(name));
};

/** What the decoder's tensors are called where the encoder's inputs have their names. */
const decoderNames = (
  graph: Graph,
  inputs: ReadonlySet<string>,
  unique: (hint: string) => string
): ReadonlyMap<string, string> => {
  const clashing = [...new Set(takenNames(graph))].filter(name => inputs.has(name));
  return new Map(clashing.map(name => [name, unique(`decoder_${name}`)]));
};

/** [batch, pos, width] of floating-point numbers. */
const isStates = ({ type }: ValueInfo): boolean => type?.shape?.length === 3 && FLOATS.has(type.elementType);

const FLOATS: ReadonlySet<number> = new Set([1, 10, 11, 16]);

/** The encoder's output and the decoder's input that are the same states. */
const statesOf = (encoder: Graph, decoder: Graph): readonly [ValueInfo, ValueInfo] => {
  const reads = ownInputs(decoder).filter(isStates);
  const gives = encoder.outputs.filter(isStates);
  const [read] = reads;
  const fitting = gives.filter(
    ({ type }) =>
      read && type?.elementType === read.type?.elementType && sameWidth(type?.shape?.[2], read.type?.shape?.[2])
  );
  if (reads.length !== 1 || fitting.length === 0) {
    const wanted = reads.map(({ name }) => `'${name}'`).join(', ') || 'none';
    throw new Error(
      `encoder does not fit: '${encoder.name}' gives ${gives.length} outputs [batch, pos, width], '${decoder.name}' reads ${wanted}`
    );
  }
  return [fitting[0], read];
};

/** Sizes that are not numbers may be any. */
const sameWidth = (a: number | string | undefined, b: number | string | undefined): boolean =>
  typeof a !== 'number' || typeof b !== 'number' || a === b;

/** All versions that both declare must be the same, and no function be defined twice. */
const joinedOpsets = (encoder: Model, decoder: Model): readonly OpsetId[] => {
  const own = new Map(decoder.opsets.map(({ domain, version }) => [domain, version]));
  const odd = encoder.opsets.find(({ domain, version }) => (own.get(domain) ?? version) !== version);
  if (odd) {
    throw new Error(
      `encoder does not fit: it uses version ${odd.version} of '${odd.domain || 'ai.onnx'}', the decoder ${own.get(odd.domain)}`
    );
  }
  const twice = encoder.functions.find(({ domain, name }) =>
    decoder.functions.some(other => other.domain === domain && other.name === name)
  );
  if (twice) {
    throw new Error(`encoder does not fit: both files define the function '${twice.name}'`);
  }
  return [...decoder.opsets, ...encoder.opsets.filter(({ domain }) => !own.has(domain))];
};
