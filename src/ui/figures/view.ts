/** What draws one figure. */
export interface View {
  readonly node: HTMLElement;
  /** The page's theme changed. */
  recolour(): void;
  dispose(): void;
}
