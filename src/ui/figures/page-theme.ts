import type { AttentionPalette } from '../../figures/palettes';
import { ATTENTION_DARK, ATTENTION_LIGHT } from '../../figures/palettes';
import type { ThemeColours } from '../../figures/theme';
import { onReaderChoices, readerChoices } from './reader-choices';

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
  const colours = {
    dark,
    background: read('--jp-layout-color0', dark ? '#111111' : '#ffffff'),
    font: read('--jp-content-font-color1', dark ? '#f0f0f0' : '#1f1f1f'),
    fontFamily: getComputedStyle(document.body).getPropertyValue('--jp-ui-font-family').trim() || 'sans-serif',
    grid: read('--jp-border-color2', dark ? '#424242' : '#e0e0e0'),
    choices: readerChoices(),
    hoverBackground: read('--jp-layout-color2', dark ? '#333333' : '#f5f5f5')
  };
  probe.remove();
  return colours;
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
