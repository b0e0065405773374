/** What Plotly's own types leave open of a map's trace. */
export interface HeatmapTrace {
  readonly type?: string;
  /** [row][column]; null: not computed. */
  readonly z?: readonly (readonly (number | null)[])[];
  readonly zmin?: number;
  readonly zmax?: number;
  readonly colorscale?: readonly (readonly [number, string])[];
  readonly text?: readonly (readonly string[])[];
  readonly texttemplate?: string;
}
