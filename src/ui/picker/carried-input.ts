import type { AnalysisEntry } from '../../report/list-analyses';

const NAMES: ReadonlySet<string> = new Set(['text', 'ids', 'prompts']);

/** What the model is to read, as it was entered for another analysis, where this one reads the same: an example is typed once. */
export function carriedInput(
  value: Readonly<Record<string, unknown>> | undefined,
  { spec }: Pick<AnalysisEntry, 'spec'>
): Readonly<Record<string, unknown>> {
  const reads = (name: string): boolean => {
    const field = spec[name];
    return field?.type === 'text' ? field.read === true : field?.type === 'ids' || field?.type === 'prompts';
  };
  return Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => NAMES.has(name) && reads(name)));
}
