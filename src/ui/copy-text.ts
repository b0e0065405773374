/** Puts a text on the clipboard, also on pages without https, where browsers keep the newer interface back. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyBySelection(text);
  }
}

function copyBySelection(text: string): void {
  const { activeElement } = document;
  const box = document.createElement('textarea');
  box.value = text;
  box.style.position = 'fixed';
  box.style.opacity = '0';
  document.body.append(box);
  box.select();
  const copied = document.execCommand('copy');
  box.remove();
  (activeElement as HTMLElement | null)?.focus();
  if (!copied) {
    throw new Error('not copied: the browser does not let this page use the clipboard');
  }
}
