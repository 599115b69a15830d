import { MISSING } from './number'

/** Amounts come as decimal text ("1234.50") and stay it: a float would write a price that nobody asked. */

/** "¥1,234.50"; — when missing or no amount. */
export function formatYuan(amount: string | null | undefined): string {
  const [, sign, whole, cents = ''] = /^(-?)(\d+)(?:\.(\d{1,2})\d*)?$/.exec(amount ?? '') ?? []
  if (whole === undefined) return MISSING
  return `${sign ? '−' : ''}¥${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents.padEnd(2, '0')}`
}

/** A quantity without the zeros that say nothing: "1.000" → "1", "2.50" → "2.5". */
export function formatAmount(quantity: string): string {
  return quantity.includes('.') ? quantity.replace(/\.?0+$/, '') : quantity
}
