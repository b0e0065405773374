import type { Anatomy } from '../anatomy/anatomy';
import { usesOf, type Uses } from '../graph/uses';
import type { Graph, Model, Node } from '../onnx/model';

/**
 * Which output holds the keys or values of each input of past ones, after a run: the past and the new ones put together. Found by walking from
 * the input to the node that appends to it; undefined where an input has no such output, so that the file cannot be run step by step.
 */
export const presentOutputs = ({ graph }: Model, { inputs }: Anatomy): ReadonlyMap<string, string> | undefined => {
  const uses = usesOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const past = inputs.filter(({ role }) => role === 'past').map(({ name }) => name);
  const found = past.map(name => [name, presentOf(graph, uses, outputs, name)] as const);
  const pairs = found.filter((pair): pair is [string, string] => pair[1] !== undefined);
  const distinct = new Set(pairs.map(([, output]) => output)).size;
  return past.length > 0 && pairs.length === past.length && distinct === past.length ? new Map(pairs) : undefined;
};

/** Keep the values in their order. */
const PASSING: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Concat']);

/** The nearest output behind the node that appends. */
const presentOf = (graph: Graph, uses: Uses, outputs: ReadonlySet<string>, past: string): string | undefined => {
  const rank = rankOf(graph, past);
  const queue = [past];
  for (let i = 0; i < queue.length && i < MOST; i++) {
    const [output] = [queue[i]].filter(name => i > 0 && outputs.has(name) && rankOf(graph, name) === rank);
    if (output !== undefined) {
      return output;
    }
    const readers = uses.consumers(queue[i]).map(({ node }) => node);
    queue.push(...readers.filter(passes).map(({ outputs: [made] }) => made));
  }
  return undefined;
};

const MOST = 16;
const passes = ({ opType }: Node): boolean => PASSING.has(opType);

const rankOf = ({ inputs, outputs }: Graph, name: string): number | undefined =>
  [...inputs, ...outputs].find(info => info.name === name)?.type?.shape?.length;
