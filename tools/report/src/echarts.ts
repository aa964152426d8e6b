// The parts of ECharts that the plots use: what is not named here is not in the page.
import { BarChart, CustomChart, HeatmapChart, LineChart, ParallelChart, ScatterChart } from 'echarts/charts';
import {
  AriaComponent, DataZoomInsideComponent, DataZoomSliderComponent, GridComponent, LegendScrollComponent, MarkLineComponent,
  ParallelComponent, TooltipComponent, VisualMapContinuousComponent,
} from 'echarts/components';
import { init, use } from 'echarts/core';
import { CanvasRenderer, SVGRenderer } from 'echarts/renderers';

use([
  BarChart, CustomChart, HeatmapChart, LineChart, ParallelChart, ScatterChart, AriaComponent, DataZoomInsideComponent,
  DataZoomSliderComponent, GridComponent, LegendScrollComponent, MarkLineComponent, ParallelComponent, TooltipComponent,
  VisualMapContinuousComponent, CanvasRenderer, SVGRenderer,
]);

export { init };
export type { EChartsType } from 'echarts/core';
