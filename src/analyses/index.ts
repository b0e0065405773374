import { ablation } from './patching/ablation';
import type { Analysis } from './analysis';
import { activationPatching } from './patching/activation-patching';
import { attentionEntropy } from './attention/attention-entropy';
import { attentionPatterns } from './attention/attention-patterns';
import { attentionAttribution } from './circuits/attribution/attention-attribution';
import { causalTracing } from './circuits/tracing/causal-tracing';
import { composition } from './circuits/composition/composition';
import { directLogitAttribution } from './circuits/attribution/direct-logit-attribution';
import { headCard } from './circuits/card/head-card';
import { headComparison } from './circuits/comparison/head-comparison';
import { headRecovery } from './circuits/kinds/head-recovery';
import { headTaxonomy } from './circuits/kinds/head-taxonomy';
import { ovCircuit } from './circuits/vocabulary/ov-circuit';
import { qkCircuit } from './circuits/vocabulary/qk-circuit';
import { compressionBound } from './generalisation/compression-bound';
import { gaussNewtonTrace } from './generalisation/gauss-newton-trace';
import { margins } from './generalisation/margins';
import { anisotropy } from './geometry/anisotropy';
import { intrinsicDimension } from './geometry/intrinsic-dimension';
import { lipschitzConstant } from './geometry/lipschitz-constant';
import { massiveActivations } from './geometry/massive-activations';
import { participationRatio } from './geometry/participation-ratio';
import { rankCollapse } from './geometry/rank-collapse';
import { representationSimilarity } from './geometry/representation-similarity';
import { tokenUniformity } from './geometry/token-uniformity';
import { trajectoryLength } from './geometry/trajectory-length';
import { headScores } from './attention/head-scores';
import { formalLanguage } from './languages/formal-language';
import { logitLens } from './lens/logit-lens';
import { meanAttention } from './attention/mean-attention';
import { modelCard } from './model-card';
import { pathPatching } from './patching/path-patching';
import { linearProbe } from './probing/linear-probe';
import { quote } from './quote';
import { steering } from './steering/steering';
import { virtualHeads } from './circuits/composition/virtual-heads';
import { headRank } from './weights/head-rank';
import { weightSpectra } from './weights/weight-spectra';

/** The registry, in the picker's order. */
export const analyses: readonly Analysis[] = [
  modelCard,
  attentionPatterns,
  meanAttention,
  headScores,
  headTaxonomy,
  ablation,
  activationPatching,
  pathPatching,
  causalTracing,
  steering,
  logitLens,
  directLogitAttribution,
  attentionAttribution,
  headCard,
  composition,
  virtualHeads,
  ovCircuit,
  qkCircuit,
  headComparison,
  attentionEntropy,
  tokenUniformity,
  massiveActivations,
  anisotropy,
  participationRatio,
  intrinsicDimension,
  representationSimilarity,
  rankCollapse,
  trajectoryLength,
  lipschitzConstant,
  headRecovery,
  linearProbe,
  formalLanguage,
  headRank,
  weightSpectra,
  margins,
  gaussNewtonTrace,
  compressionBound
];

/** Throws for an id that is not in the registry. */
export function findAnalysis(id: string): Analysis {
  const found = analyses.find(candidate => candidate.id === id);
  if (!found) {
    throw new Error(`unknown analysis ${quote(id)} (known: ${analyses.map(candidate => candidate.id).join(', ')})`);
  }
  return found;
}
