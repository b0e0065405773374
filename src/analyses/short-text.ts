/** Longest alternative text of a figure. */
const LONGEST = 250;

/** Cuts at the last whole character that fits and says so by an ellipsis. */
export function shortText(text: string, longest = LONGEST): string {
  const characters = Array.from(text);
  if (text.length <= longest) {
    return text;
  }
  let kept = '';
  for (const character of characters) {
    if (kept.length + character.length >= longest) {
      break;
    }
    kept += character;
  }
  return `${kept}…`;
}
