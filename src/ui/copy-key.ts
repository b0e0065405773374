import { copyText } from './copy-text';
import type { Translate } from './translate';

/**
 * Ctrl+C, or ⌘C, copies a value that is reached or pointed at, and tells so; whether the key was that. A text that is selected is the
 * browser's to copy.
 */
export function copyKey(
  event: KeyboardEvent,
  value: string | undefined,
  { trans, say }: { readonly trans: Translate; readonly say: (words: string) => void }
): boolean {
  const { key, ctrlKey, metaKey, shiftKey, altKey } = event;
  const asked = key.toLowerCase() === 'c' && ctrlKey !== metaKey && !shiftKey && !altKey;
  if (!asked || value === undefined || String(document.getSelection() ?? '') !== '') {
    return false;
  }
  void copyText(value).then(
    () => say(trans.__('%1 copied.', value)),
    (error: Error) => say(error.message)
  );
  event.preventDefault();
  event.stopPropagation();
  return true;
}
