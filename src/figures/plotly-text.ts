/** Plotly reads `<…>` and entities in any label as markup: text that is data goes through here. */
export function plotlyText(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/[\r\n]+/g, '⏎');
}
