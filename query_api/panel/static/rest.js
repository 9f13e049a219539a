// All that the first lines can do without, as one module: it is loaded right behind them.
import { CHIP_CSS } from './styles/chips.js';
import { DETAIL_CSS } from './styles/detail.js';
import { EXPORT_CSS } from './styles/export.js';
import { FILTER_CSS } from './styles/filters.js';
import { HISTOGRAM_CSS } from './styles/histogram.js';
import { LINKED_CSS } from './styles/linked.js';
import { PICKER_CSS } from './styles/picker.js';
import { VIEWS_CSS } from './styles/views.js';

export { Beside } from './beside.js';
export { chipBar } from './chips.js';
export { detail } from './detail.js';
export { emptyState } from './empty.js';
export { exportMenu } from './export.js';
export { filterBar } from './filters.js';
export { histogram } from './histogram.js';
export { linkedLine } from './linked.js';
export { Menus } from './menus.js';
export { keepVisit } from './saved-views.js';
export { viewsMenu } from './views-menu.js';

export const REST_STYLES = [FILTER_CSS, PICKER_CSS, CHIP_CSS, LINKED_CSS, HISTOGRAM_CSS, DETAIL_CSS, EXPORT_CSS, VIEWS_CSS];
