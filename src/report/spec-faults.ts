import { validateSpec } from '../analyses/spec/validate-spec';
import type { AnalysisEntry } from './list-analyses';

/** What is wrong with a value of one field, as a form says it beside the field; undefined where nothing is. */
export function fieldFault(entry: AnalysisEntry, name: string, value: unknown): string | undefined {
  return faultOf(entry, { [name]: value });
}

/** What is wrong with a spec, fields that exclude each other included. */
export function specFault(entry: AnalysisEntry, spec: Readonly<Record<string, unknown>>): string | undefined {
  return faultOf(entry, spec);
}

function faultOf(entry: AnalysisEntry, spec: unknown): string | undefined {
  try {
    validateSpec(entry, spec);
    return undefined;
  } catch (error) {
    const message = (error as Error).message;
    const start = `analysis '${entry.id}': `;
    return message.startsWith(start) ? message.slice(start.length) : message;
  }
}
