import { analyses } from '../analyses';

/** What a chooser shows of an analysis. */
export interface AnalysisEntry {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly fields: readonly string[];
}

export const listAnalyses = (): readonly AnalysisEntry[] =>
  analyses.map(({ id, title, description, spec }) => ({ id, title, description, fields: Object.keys(spec) }));
