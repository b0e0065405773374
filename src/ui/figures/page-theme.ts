import type { AttentionPalette } from '../../figures/palettes';
import { ATTENTION_DARK, ATTENTION_LIGHT } from '../../figures/palettes';
import type { ThemeColours } from '../../figures/theme';
import { onReaderChoices, readerChoices } from './reader-choices';

/** Of the text's colour in the lines behind the data. */
const GRID_SHARE = 0.16;

export const isDark = (): boolean => document.body.dataset.jpThemeLight === 'false';

export const pagePalette = (): AttentionPalette => (isDark() ? ATTENTION_DARK : ATTENTION_LIGHT);

/** JupyterLab's colours as Plotly and canvases take them: variables resolved by the page. */
export function pageColours(): ThemeColours {
  const probe = document.createElement('span');
  probe.style.display = 'none';
  document.body.append(probe);
  const read = (variable: string, fallback: string): string => {
    probe.style.color = '';
    probe.style.color = `var(${variable}, ${fallback})`;
    return getComputedStyle(probe).color || fallback;
  };
  const dark = isDark();
  const font = read('--jp-content-font-color1', dark ? '#f0f0f0' : '#1f1f1f');
  const colours = {
    dark,
    background: read('--jp-layout-color0', dark ? '#111111' : '#ffffff'),
    font,
    fontFamily: getComputedStyle(document.body).getPropertyValue('--jp-ui-font-family').trim() || 'sans-serif',
    border: read('--jp-border-color2', dark ? '#424242' : '#bdbdbd'),
    grid: faint(font),
    choices: readerChoices(),
    hoverBackground: read('--jp-layout-color2', dark ? '#333333' : '#f5f5f5')
  };
  probe.remove();
  return colours;
}

/** A resolved colour, nearly clear: in high contrast the variables' borders are as bright as the text. */
function faint(colour: string): string {
  const parts = /^rgba?\((\d+), (\d+), (\d+)/.exec(colour);
  return parts ? `rgba(${parts.slice(1).join(', ')}, ${GRID_SHARE})` : colour;
}

/** Calls `listener` when JupyterLab changes its theme, or the reader the figures' colours; the function returned ends that. */
export function onThemeChange(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name'] });
  const endChoices = onReaderChoices(listener);
  return () => {
    observer.disconnect();
    endChoices();
  };
}
