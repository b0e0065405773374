import type { Input } from '../subject/subject';
import { shortText } from './short-text';

/** The positions of a text as places of a profile, each with its token. */
export const tokenAxis = ({ ids, labels }: Input): { readonly title: string; readonly labels: readonly string[] } => ({
  title: 'position',
  labels: ids.map((id, at) => `${at} ${shortText(labels[at] ?? String(id), 10)}`)
});
