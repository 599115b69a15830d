import type { EChartsCoreOption } from 'echarts/core'

import type { TimeRange } from './range'
import type { Trace } from './trace'

export interface Panel {
  id: string
  trace: Trace
  /** reports on change: its last value holds until the next */
  isStep: boolean
  /** a measure, whose lowest and highest in each bucket are drawn; a state has none worth drawing */
  hasBand: boolean
  format: (value: number) => string
}

export interface ChartColours {
  ink: string
  quiet: string
  line: string
  band: string
}

/** Space around every panel; the mark strip beneath lines up with it. */
export const LEFT_PX = 64
export const RIGHT_PX = 12
export const PANEL_PX = 124
const PANEL_TOP_PX = 26
const AXIS_PX = 24

export function chartHeight(panels: number): number {
  return panels * PANEL_PX + AXIS_PX
}

/** One small panel a point over one shared time axis: grey ink only, since colour is kept for state. */
export function chartOption(options: {
  panels: readonly Panel[]
  range: TimeRange
  colours: ChartColours
  formatTime: (ms: number) => string
}): EChartsCoreOption {
  const { panels, range, colours, formatTime } = options
  const last = panels.length - 1
  return {
    animation: false,
    grid: panels.map((_, index) => ({
      left: LEFT_PX,
      right: RIGHT_PX,
      top: index * PANEL_PX + PANEL_TOP_PX,
      height: PANEL_PX - PANEL_TOP_PX - 8,
    })),
    axisPointer: { link: [{ xAxisIndex: 'all' }], lineStyle: { color: colours.quiet, type: 'solid' } },
    tooltip: { trigger: 'axis', showContent: false, axisPointer: { type: 'line' } },
    toolbox: { show: true, itemSize: 0, feature: { dataZoom: { yAxisIndex: false, brushStyle: { color: colours.band } } } },
    xAxis: panels.map((_, index) => ({
      type: 'time',
      gridIndex: index,
      min: range.start,
      max: range.end,
      axisLine: { lineStyle: { color: colours.line } },
      axisTick: { show: index === last, lineStyle: { color: colours.line } },
      splitLine: { show: true, lineStyle: { color: colours.line, opacity: 0.5 } },
      axisLabel: {
        show: index === last,
        color: colours.quiet,
        fontSize: 11,
        hideOverlap: true,
        formatter: (value: number) => formatTime(value),
      },
      axisPointer: { label: { show: false } },
    })),
    yAxis: panels.map((panel, index) => ({
      type: 'value',
      gridIndex: index,
      scale: panel.hasBand,
      splitNumber: 2,
      minInterval: panel.hasBand ? undefined : 1,
      axisLabel: {
        color: colours.quiet,
        fontSize: 11,
        width: LEFT_PX - 10,
        overflow: 'truncate',
        formatter: (value: number) => panel.format(value),
      },
      splitLine: { lineStyle: { color: colours.line, opacity: 0.5 } },
    })),
    series: panels.flatMap((panel, index) => seriesOf(panel, index, colours)),
  }
}

function seriesOf(panel: Panel, index: number, colours: ChartColours): EChartsCoreOption[] {
  const step = panel.isStep ? 'end' : false
  const shared = { type: 'line', xAxisIndex: index, yAxisIndex: index, symbol: 'none', silent: true, step }
  const line = {
    ...shared,
    id: `${panel.id}:avg`,
    data: panel.trace.line,
    connectNulls: false,
    lineStyle: { color: colours.ink, width: 1.4 },
    itemStyle: { color: colours.ink },
  }
  if (!panel.hasBand) return [line]
  const stack = { ...shared, stack: panel.id, stackStrategy: 'all', lineStyle: { opacity: 0 } }
  return [
    { ...stack, id: `${panel.id}:min`, data: panel.trace.low },
    { ...stack, id: `${panel.id}:span`, data: panel.trace.height, areaStyle: { color: colours.band } },
    line,
  ]
}
