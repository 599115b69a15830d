import type { EquipmentKind } from '@/catalog/types'
import type { Severity } from '@/shared/severity'

import type { RuleDefinition } from './types'

export type Basis = 'when' | 'missing'

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
    basis: rule.missing ? 'missing' : 'when',
    when: rule.when ?? '',
    clear: rule.clear ?? '',
    for: rule.for ?? '',
    clearFor: rule.clear_for ?? '',
    missing: rule.missing ?? '',
    params: Object.entries(rule.params ?? {}).map(([name, value]) => ({ name, value })),
    severity: rule.severity,
    faultMode: rule.fault_mode,
    lifeSafety: rule.life_safety ?? false,
    orderKind: (rule.order?.kind as RuleDraft['orderKind'] | undefined) ?? '',
    orderPriority: rule.order?.priority ?? EMPTY.orderPriority,
  }
}

/**
 * The rule that a draft means. `base` is the rule as it was read: what the form does not show (its equipment, their
 * own thresholds, units, schedules, reasons) goes back as it came, unless it becomes another kind of rule.
 */
export function definitionOf(draft: RuleDraft, base: RuleDefinition | null): RuleDefinition {
  const isWhen = draft.basis === 'when'
  const kept = isWhen === !base?.missing ? base : null
  const params = Object.fromEntries(
    draft.params.flatMap(({ name, value }) => (name && value !== null ? [[name, value]] : [])),
  )
  return {
    ...kept,
    equipment: base?.equipment ?? [],
    equipment_params: base?.equipment_params ?? {},
    site_id: draft.siteId || null,
    points: isWhen ? [] : (base?.points ?? []),
    key: draft.key.trim(),
    name: { 'zh-CN': draft.nameZh.trim(), en: draft.nameEn.trim() },
    message: { 'zh-CN': draft.messageZh.trim(), en: draft.messageEn.trim() },
    profile: draft.profile || null,
    kind: draft.profile ? null : draft.kind || null,
    when: isWhen ? draft.when.trim() : null,
    clear: isWhen ? draft.clear.trim() || null : null,
    for: isWhen ? draft.for.trim() || null : null,
    clear_for: isWhen ? draft.clearFor.trim() || null : null,
    missing: isWhen ? null : draft.missing.trim(),
    params,
    units: Object.fromEntries(Object.entries(kept?.units ?? {}).filter(([name]) => name in params)),
    severity: draft.severity,
    fault_mode: draft.faultMode.trim(),
    life_safety: draft.lifeSafety,
    order: draft.orderKind ? { joins: 'fault', ...kept?.order, kind: draft.orderKind, priority: draft.orderPriority } : null,
  }
}

/** What still keeps a draft from being sent; the hub has the last word. */
export function missingFields(draft: RuleDraft): (keyof RuleDraft)[] {
  const needed: (keyof RuleDraft)[] = ['key', 'nameZh', 'nameEn', 'messageZh', 'messageEn', 'faultMode']
  const basis: keyof RuleDraft = draft.basis === 'when' ? 'when' : 'missing'
  const target: (keyof RuleDraft)[] = draft.profile || draft.kind ? [] : ['profile']
  return [...needed.filter((field) => !String(draft[field]).trim()), ...target, ...(draft[basis].trim() ? [] : [basis])]
}
