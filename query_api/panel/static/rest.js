// All that the first lines can do without, as one module: it is loaded right behind them.
export { detail } from './detail.js';
export { exportChoices } from './export.js';
export { filterBar, pickersOf } from './filters.js';
export { histogram } from './histogram.js';
export { REST_CSS } from './styles-rest.js';
