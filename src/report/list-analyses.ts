import { analyses } from '../analyses';
import { THEORY_CARDS, type TheoryCard } from '../analyses/theory-cards';
import type { Analysis, Family } from '../analyses/analysis';

/** What a chooser shows of an analysis, and the fields of its form. */
export type AnalysisEntry = Pick<Analysis, 'id' | 'title' | 'description' | 'family' | 'measure' | 'theory' | 'spec'>;

export const listAnalyses = (): readonly AnalysisEntry[] => analyses;

/** What is proven about a family of measures; undefined where nothing is. */
export const theoryCard = (family: Family): TheoryCard | undefined => THEORY_CARDS[family];
