import type { Bundle } from './bundle';
import { escapeHtml } from './html';

/** A saved output as a page of its own: no script, nothing from elsewhere. `bundle` holds a result. */
export function htmlPage(title: string, { data }: Pick<Bundle, 'data'>): string {
  const style =
    'body{max-width:960px;margin:2em auto;padding:0 1em;font:15px/1.5 system-ui,sans-serif;color:#1f1f1f;background:#fff}' +
    'table{border-collapse:collapse;font-size:13px}th,td{padding:2px 8px;border:1px solid #ddd;text-align:start}' +
    'figure{margin:0 0 2em;overflow-x:auto}img{max-width:100%;height:auto}small{color:#555}';
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${style}</style></head>` +
    `<body><h1>${escapeHtml(title)}</h1>${String(data['text/html'])}</body></html>\n`
  );
}
