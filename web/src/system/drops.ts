import type { Drop, DropKind } from './types'

/** What costs most comes first. */
export const KINDS: readonly DropKind[] = ['lost', 'failed', 'refused', 'late']

export interface DropGroup {
  kind: DropKind
  drops: Drop[]
}

/** What was counted in the last 7 days, the gravest kind first and in it the most frequent of the day. */
export function counted(drops: readonly Drop[]): DropGroup[] {
  return KINDS.map((kind) => ({
    kind,
    drops: drops
      .filter((drop) => drop.kind === kind && drop.last_7d > 0)
      .sort((a, b) => b.last_24h - a.last_24h || b.last_7d - a.last_7d),
  })).filter(({ drops: some }) => some.length > 0)
}

/** What never happened in that time, in the hub's own order. */
export function quiet(drops: readonly Drop[]): Drop[] {
  return drops.filter(({ last_7d }) => last_7d === 0)
}

/** `reason bad_json · source mqtt`; the process stands apart. */
export function labelWords(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label} ${value}`)
    .join(' · ')
}
