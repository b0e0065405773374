/** What separates the cells of a table: spreadsheets write semicolons where the comma is the decimal mark. */
export function csvSeparator(text: string): string {
  const [header] = text.split(/\r?\n/, 1);
  return [',', ';', '\t'].find(one => header.includes(one)) ?? ',';
}
