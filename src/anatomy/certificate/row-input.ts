import type { GraphInput, Tower } from '../anatomy';

type Shape = readonly (number | string)[];

/** Roles of inputs that are read instead of ids. */
const CONTENT: ReadonlySet<GraphInput['role']> = new Set(['pixels', 'embeddings', 'features']);

export const isContent = ({ role }: Pick<GraphInput, 'role'>): boolean => CONTENT.has(role);

/** The graph input whose rows a tower reads. */
export const towerInput = ({ embedding, content }: Tower): string | undefined => embedding?.ids ?? content?.input;

interface Input extends Pick<GraphInput, 'name' | 'role' | 'length'> {
  readonly shape?: Shape;
}

/** The input whose rows a run has, and its axes [batch, pos], or [pos]: the ids, or what is read instead; undefined without either. */
export const rowInput = <T extends Input>(
  inputs: readonly T[]
): { readonly input: T; readonly shape: Shape } | undefined => {
  const ids = inputs.find(({ role }) => role === 'ids');
  if (ids) {
    return { input: ids, shape: ids.shape ?? [] };
  }
  const input = inputs.find(isContent);
  const [batch = '', pos = ''] = input?.shape ?? [];
  return input && { input, shape: [batch, input.length ?? (input.role === 'embeddings' ? pos : '')] };
};
