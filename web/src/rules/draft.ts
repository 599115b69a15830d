import type { EquipmentKind } from '@/catalog/types'
import type { Severity } from '@/shared/severity'

import type { RuleDefinition } from './types'

export type Basis = 'when' | 'stuck' | 'rate' | 'missing'

/** A rule as the form holds it: every field a text or a number, nothing absent. */
export interface RuleDraft {
  /** empty: every site */
  siteId: string
  key: string
  nameZh: string
  nameEn: string
  messageZh: string
  messageEn: string
  profile: string
  kind: EquipmentKind | ''
  basis: Basis
  when: string
  clear: string
  for: string
  clearFor: string
  missing: string
  /** how often `when` must come about, and within what; empty: once is enough */
  repeatsTimes: number | null
  repeatsWithin: string
  stuckPoints: string[]
  stuckFor: string
  ratePoint: string
  rateOver: string
  /** by the minute: a number, or the name of a parameter */
  rateAbove: string
  rateBelow: string
  params: { name: string; value: number | null }[]
  severity: Severity
  faultMode: string
  lifeSafety: boolean
  orderKind: '' | 'repair' | 'entrapment' | 'smoke'
  orderPriority: number
}

export const EMPTY: RuleDraft = {
  siteId: '',
  key: '',
  nameZh: '',
  nameEn: '',
  messageZh: '',
  messageEn: '',
  profile: '',
  kind: '',
  basis: 'when',
  when: '',
  clear: '',
  for: '',
  clearFor: '',
  missing: '',
  repeatsTimes: null,
  repeatsWithin: '',
  stuckPoints: [],
  stuckFor: '',
  ratePoint: '',
  rateOver: '',
  rateAbove: '',
  rateBelow: '',
  params: [],
  severity: 'minor',
  faultMode: '',
  lifeSafety: false,
  orderKind: '',
  orderPriority: 3,
}

export function draftOf(rule: RuleDefinition): RuleDraft {
  return {
    siteId: rule.site_id ?? '',
    key: rule.key,
    nameZh: rule.name['zh-CN'] ?? '',
    nameEn: rule.name.en ?? '',
    messageZh: rule.message['zh-CN'] ?? '',
    messageEn: rule.message.en ?? '',
    profile: rule.profile ?? '',
    kind: rule.kind ?? '',
    basis: basisOf(rule),
    when: rule.when ?? '',
    clear: rule.clear ?? '',
    for: rule.for ?? '',
    clearFor: rule.clear_for ?? '',
    missing: rule.missing ?? '',
    repeatsTimes: rule.repeats?.times ?? null,
    repeatsWithin: rule.repeats?.within ?? '',
    stuckPoints: [...(rule.stuck?.points ?? [])],
    stuckFor: rule.stuck?.for ?? '',
    ratePoint: rule.rate?.point ?? '',
    rateOver: rule.rate?.over ?? '',
    rateAbove: String(rule.rate?.above ?? ''),
    rateBelow: String(rule.rate?.below ?? ''),
    params: Object.entries(rule.params ?? {}).map(([name, value]) => ({ name, value })),
    severity: rule.severity,
    faultMode: rule.fault_mode,
    lifeSafety: rule.life_safety ?? false,
    orderKind: (rule.order?.kind as RuleDraft['orderKind'] | undefined) ?? '',
    orderPriority: rule.order?.priority ?? EMPTY.orderPriority,
  }
}

export function basisOf(rule: RuleDefinition): Basis {
  if (rule.missing) return 'missing'
  if (rule.stuck) return 'stuck'
  return rule.rate ? 'rate' : 'when'
}

/**
 * The rule that a draft means. `base` is the rule as it was read: what the form does not show (levels, hours, its
 * equipment and their own thresholds, units, reasons) goes back as it came, but for what silence cannot have.
 */
export function definitionOf(draft: RuleDraft, base: RuleDefinition | null): RuleDefinition {
  const isSilence = draft.basis === 'missing'
  const kept = isSilence === Boolean(base?.missing) ? base : null
  const repeats = draft.basis === 'when' ? repeatsOf(draft) : null
  const params = Object.fromEntries(
    draft.params.flatMap(({ name, value }) => (name && value !== null ? [[name, value]] : [])),
  )
  return {
    ...kept,
    equipment: base?.equipment ?? [],
    equipment_params: base?.equipment_params ?? {},
    site_id: draft.siteId || null,
    points: isSilence ? (base?.points ?? []) : [],
    key: draft.key.trim(),
    name: { 'zh-CN': draft.nameZh.trim(), en: draft.nameEn.trim() },
    message: { 'zh-CN': draft.messageZh.trim(), en: draft.messageEn.trim() },
    profile: draft.profile || null,
    kind: draft.profile ? null : draft.kind || null,
    when: draft.basis === 'when' ? draft.when.trim() : null,
    repeats,
    stuck: draft.basis === 'stuck' ? { points: [...draft.stuckPoints], for: draft.stuckFor.trim() } : null,
    rate: draft.basis === 'rate' ? rateOf(draft) : null,
    clear: isSilence ? null : draft.clear.trim() || null,
    for: isSilence || repeats ? null : draft.for.trim() || null,
    clear_for: isSilence ? null : draft.clearFor.trim() || null,
    missing: isSilence ? draft.missing.trim() : null,
    params,
    units: Object.fromEntries(Object.entries(kept?.units ?? {}).filter(([name]) => name in params)),
    severity: draft.severity,
    fault_mode: draft.faultMode.trim(),
    life_safety: draft.lifeSafety,
    order: draft.orderKind ? { joins: 'fault', ...kept?.order, kind: draft.orderKind, priority: draft.orderPriority } : null,
  }
}

/** What a rule has that the form does not show, by the field it is kept in. */
export type KeptField = 'levels' | 'activeIn' | 'activeOutside' | 'schedules' | 'equipment' | 'equipmentParams' | 'reasons'

/** What goes back as it came, in words that need no translating; and whether it goes back at all. */
export function keptFields(draft: RuleDraft, base: RuleDefinition | null): { field: KeptField; said: string; isLost: boolean }[] {
  if (!base) return []
  const becomesOther = (draft.basis === 'missing') !== Boolean(base.missing)
  const found: [KeptField, string][] = [
    ['levels', (base.levels ?? []).map(({ severity, when }) => `${severity}: ${when}`).join('; ')],
    ['activeIn', base.active_in ?? ''],
    ['activeOutside', base.active_outside ?? ''],
    ['schedules', Object.entries(base.schedules ?? {}).map(([name, hours]) => `${name} = ${hours}`).join('; ')],
    ['equipment', base.equipment?.length ? String(base.equipment.length) : ''],
    ['equipmentParams', ownThresholds(base)],
    ['reasons', Object.values(base.basis ?? {}).join(' / ')],
  ]
  return found
    .filter(([, said]) => said)
    .map(([field, said]) => ({ field, said, isLost: becomesOther && !field.startsWith('equipment') }))
}

function ownThresholds(base: RuleDefinition): string {
  const count = Object.keys(base.equipment_params ?? {}).length
  return count ? String(count) : ''
}

function repeatsOf(draft: RuleDraft): RuleDefinition['repeats'] {
  return draft.repeatsTimes && draft.repeatsWithin.trim()
    ? { times: draft.repeatsTimes, within: draft.repeatsWithin.trim() }
    : null
}

function rateOf(draft: RuleDraft): RuleDefinition['rate'] {
  return {
    point: draft.ratePoint,
    over: draft.rateOver.trim(),
    above: limitOf(draft.rateAbove),
    below: limitOf(draft.rateBelow),
  }
}

function limitOf(text: string): number | string | null {
  const said = text.trim()
  if (!said) return null
  return Number.isNaN(Number(said)) ? said : Number(said)
}

/** What still keeps a draft from being sent; the hub has the last word. */
export function missingFields(draft: RuleDraft): (keyof RuleDraft)[] {
  const needed: (keyof RuleDraft)[] = ['key', 'nameZh', 'nameEn', 'messageZh', 'messageEn', 'faultMode', ...NEEDED[draft.basis]]
  const target: (keyof RuleDraft)[] = draft.profile || draft.kind ? [] : ['profile']
  const hasLimit = draft.basis !== 'rate' || draft.rateAbove.trim() || draft.rateBelow.trim()
  const isHalfRepeated = draft.basis === 'when' && Boolean(draft.repeatsTimes) !== Boolean(draft.repeatsWithin.trim())
  return [
    ...needed.filter((field) => !String(draft[field]).trim()),
    ...target,
    ...(hasLimit ? [] : (['rateAbove'] as const)),
    ...(isHalfRepeated ? (['repeatsWithin'] as const) : []),
  ]
}

const NEEDED: Record<Basis, (keyof RuleDraft)[]> = {
  when: ['when'],
  stuck: ['stuckPoints', 'stuckFor'],
  rate: ['ratePoint', 'rateOver'],
  missing: ['missing'],
}
