import { analyses } from '../analyses';
import type { Analysis } from '../analyses/analysis';

/** What a chooser shows of an analysis, and the fields of its form. */
export type AnalysisEntry = Pick<Analysis, 'id' | 'title' | 'description' | 'family' | 'measure' | 'theory' | 'spec'>;

export const listAnalyses = (): readonly AnalysisEntry[] => analyses;
