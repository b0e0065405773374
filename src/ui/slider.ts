import { element } from './element';

export interface Slider {
  readonly node: HTMLElement;
  read(): number;
}

export interface SliderRange {
  readonly minimum: number;
  readonly maximum: number;
  readonly step: number;
  readonly value: number;
  /** The number in words. */
  readonly said: (value: number) => string;
}

/** A number that is dragged, or moved by the arrow keys, with what it is beside it. */
export function slider(label: string, range: SliderRange, onChange: () => void): Slider {
  const { minimum, maximum, step, value, said } = range;
  const input = element('input', { type: 'range', min: minimum, max: maximum, step, value, 'aria-label': label });
  const output = element('output', {});
  const say = (): void => {
    output.textContent = said(input.valueAsNumber);
    input.setAttribute('aria-valuetext', said(input.valueAsNumber));
  };
  input.addEventListener('input', () => {
    say();
    onChange();
  });
  say();
  return {
    node: element('label', { class: 'jp-orrery-slider' }, element('span', {}, label), input, output),
    read: () => input.valueAsNumber
  };
}
