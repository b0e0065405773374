import { bracketTasks } from './bracket-tasks';
import { kHop } from './k-hop';
import type { LanguageTask } from './language-task';
import { sequenceTasks } from './sequence-tasks';
import { stateTasks } from './state-tasks';

export const TASKS = [
  'copying',
  'reversal',
  'sorting',
  'sorting-different',
  'counting',
  'fraction',
  'k-hop',
  'parity',
  'word-problem',
  'dyck',
  'shuffle-dyck'
] as const;
export type TaskId = (typeof TASKS)[number];

const ALL: readonly LanguageTask[] = [...sequenceTasks, kHop, ...stateTasks, ...bracketTasks];

export const taskOf = (id: TaskId): LanguageTask => ALL.find(task => task.id === id)!;
