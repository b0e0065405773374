/** Plotly's sources, which are imported to be evaluated; what is used has its types in plotly.js/lib. */
declare module 'plotly.js/src/*';
