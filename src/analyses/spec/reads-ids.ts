import type { Subject } from '../../subject/subject';
import type { Analysis } from '../analysis';
import type { Spec, SpecFields } from './spec';

/** Fields that token ids come from: given, in texts, or drawn. */
const GIVE_IDS = ['ids', 'texts', 'prompts', 'batch', 'task', 'truth'];

/** Why a model that reads pixels or the like cannot be asked for what ids do, or undefined when it can. */
export const refusesIds = ({ spec }: Pick<Analysis, 'spec'>, { tower }: Subject): string | undefined =>
  tower.content && !('image' in spec) && GIVE_IDS.some(name => name in spec)
    ? `the model reads ${tower.content.kind}, and this analysis gives it token ids`
    : undefined;

/** Throws where a model that reads pixels or the like is given none. */
export function requireSeen<F extends SpecFields>(
  { spec: fields, title }: Analysis<F>,
  { tower, facts }: Subject,
  spec: Spec<F>
): void {
  if (tower.content && 'image' in fields && spec.image === undefined && spec.tensors === undefined) {
    const images = tower.content.kind === 'pixels' ? "'image' or " : '';
    throw new Error(
      `${title}: '${facts.label}' reads ${tower.content.kind}, so name a file in the field ${images}'tensors'`
    );
  }
}
