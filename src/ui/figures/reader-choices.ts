import type { ReaderChoices } from '../../figures/reader-choices';
import { inDigits, USUAL_CHOICES } from '../../figures/reader-choices';

let choices = USUAL_CHOICES;
const listeners = new Set<() => void>();

/** How figures are drawn on this page. */
export const readerChoices = (): ReaderChoices => choices;

/** For all figures of the page, also those that are drawn. */
export function setReaderChoices(next: ReaderChoices): void {
  choices = next;
  listeners.forEach(listener => listener());
}

/** Calls `listener` when they change; the function returned ends that. */
export function onReaderChoices(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** A number as the reader wants it; `usual` where nothing else is chosen. */
export const readersText = (value: number, usual: string): string => inDigits(value, choices.digits, usual);
