import { LabIcon } from '@jupyterlab/ui-components';

/** Two orbits around a sun, each with its planet. */
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">
  <g class="jp-icon3" fill="#616161">
    <circle cx="8" cy="8" r="2"/>
    <circle cx="11.6" cy="5" r="1.4"/>
    <circle cx="2.6" cy="11.6" r="1.4"/>
  </g>
  <g class="jp-icon-stroke3 jp-icon3-stroke" fill="none" stroke="#8d8d8d" stroke-width="0.9">
    <circle cx="8" cy="8" r="4.6"/>
    <circle cx="8" cy="8" r="6.9"/>
  </g>
</svg>`;

export const modelIcon = new LabIcon({ name: 'jupyterlab-orrery:model', svgstr: SVG });
