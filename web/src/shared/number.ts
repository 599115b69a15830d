/** The one way a measured number is written: sensible digits, a thin space before the unit, `—` when missing. */

export const MISSING = '—'
const THIN_SPACE = '\u2009'
const NO_SPACE_UNITS = new Set(['%', '°', '′', '″'])

/**
 * `formatNumber(12.3456)` → "12.3"; null, NaN and infinities → "—" (never 0).
 *
 * With `decimals` (a point knows its own) no more than those; else three significant digits below 1,000 and whole
 * numbers above. Thousands are grouped; a whole number stays whole.
 */
export function formatNumber(value: number | null | undefined, decimals?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING
  return grouped(value, decimals ?? sensibleDecimals(value))
}

/** The number with its unit: "12.3 kW", "85%", "—". */
export function formatQuantity(
  value: number | null | undefined,
  unit: string | null | undefined,
  decimals?: number,
): string {
  const number = formatNumber(value, decimals)
  if (number === MISSING || !unit) return number
  return NO_SPACE_UNITS.has(unit) ? number + unit : number + THIN_SPACE + unit
}

function sensibleDecimals(value: number): number {
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 1000) return 0
  if (size >= 10) return 1
  return size >= 1 ? 2 : 3
}

function grouped(value: number, decimals: number): string {
  const text = new Intl.NumberFormat('en-US', { maximumFractionDigits: decimals }).format(value)
  // −0.0004 rounds to "-0": the sign says nothing any more
  return (text === '-0' ? '0' : text).replace('-', '−')
}
