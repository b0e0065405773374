import type { Page } from '@playwright/test';

/** A task of the page's main thread in which our code ran for long. */
export interface LongTask {
  /** CPU milliseconds in our functions and what they call: what else the machine does makes it no longer, what the host does beside is not counted. */
  readonly milliseconds: number;
  /** CPU milliseconds of its parts by kind, the largest first: 'FunctionCall onload 249.js', 'Layout'. */
  readonly parts: readonly string[];
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string; readonly data?: { readonly url?: string; readonly functionName?: string } };
}

const CATEGORIES = ['-*', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];

/** What `work` makes the page's main thread do, as Chromium's trace has it: tasks that our code holds for more than `least` CPU milliseconds. */
export async function longTasks(page: Page, least: number, work: () => Promise<void>): Promise<LongTask[]> {
  const browser = page.context().browser()!;
  await browser.startTracing(page, { categories: CATEGORIES });
  await work();
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { readonly traceEvents: readonly TraceEvent[] };
  return tasksOf(trace.traceEvents, least);
}

const urlOf = ({ args }: TraceEvent): string => args?.data?.url ?? '';
const isOurs = (event: TraceEvent): boolean => urlOf(event).includes('jupyterlab-orrery');
const cpu = ({ tdur }: TraceEvent): number => (tdur ?? 0) / 1000;

function tasksOf(events: readonly TraceEvent[], least: number): LongTask[] {
  const place = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const main = new Set(events.filter(({ args }) => args?.name === 'CrRendererMain').map(place));
  const onMain = events.filter(event => event.ph === 'X' && main.has(place(event))).sort((a, b) => a.ts - b.ts);
  return onMain
    .filter(task => task.name === 'RunTask' && cpu(task) > least)
    .map(task => {
      const parts = onMain.filter(event => event.name !== 'RunTask' && inside(event, task));
      return { milliseconds: Math.round(oursIn(parts)), parts: largest(parts) };
    })
    .filter(({ milliseconds }) => milliseconds > least)
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Of the outermost calls of ours; what a worker of ours posts is handled by nobody else. */
function oursIn(parts: readonly TraceEvent[]): number {
  let [sum, end] = [0, 0];
  for (const part of parts) {
    const outermost = part.ts >= end;
    const posted = part.name === 'HandlePostMessage' && parts.some(one => isOurs(one) && inside(one, part));
    if (outermost && (isOurs(part) || posted)) {
      sum += cpu(part);
      end = part.ts + (part.dur ?? 0);
    }
  }
  return sum;
}

const inside = (event: TraceEvent, task: TraceEvent): boolean =>
  event.pid === task.pid && event.tid === task.tid && event.ts >= task.ts && event.ts < task.ts + (task.dur ?? 0);

function largest(parts: readonly TraceEvent[]): string[] {
  const sums = new Map<string, number>();
  for (const part of parts) {
    const file = /([^/?]+)\.js/.exec(urlOf(part))?.[1];
    const name = [part.name, part.args?.data?.functionName, file].filter(Boolean).join(' ');
    sums.set(name, (sums.get(name) ?? 0) + cpu(part));
  }
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 8)
    .map(([name, milliseconds]) => `${name} ${milliseconds.toFixed(0)}`);
}
