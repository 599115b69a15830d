/** The parts of ECharts we draw with. Imported lazily, by a chart that is really shown. */
import { LineChart } from 'echarts/charts'
import { AxisPointerComponent, DataZoomComponent, GridComponent, ToolboxComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

use([LineChart, GridComponent, TooltipComponent, AxisPointerComponent, ToolboxComponent, DataZoomComponent, CanvasRenderer])

export { init }
