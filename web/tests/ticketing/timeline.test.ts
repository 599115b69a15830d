import { describe, expect, it } from 'vitest'

import { sentenceOf, whyOf } from '@/ticketing/timeline'
import type { TimelineEntry } from '@/ticketing/types'

import { flat, textsOf } from '../i18n/texts'

const texts = flat(textsOf('zh-CN'))
const t = (key: string, named: Record<string, unknown> = {}) =>
  (texts[key] ?? `missing ${key}`).replaceAll(/\{(\w+)\}/g, (_, name: string) => String(named[name]))
const isKnown = (key: string) => key in texts
const entry = (what: TimelineEntry['what'], after = {}, before = {}, why: string | null = null): TimelineEntry => ({
  position: 1,
  at: '2026-11-22T02:00:00Z',
  what,
  actor_id: null,
  actor_name: null,
  why,
  before,
  after,
})

describe('a timeline entry', () => {
  it.each([
    [entry('opened', { channel: 'phone' }), '开单（电话）'],
    [entry('moved', { action: 'accept', state: 'accepted' }), '接单 → 已接单'],
    [entry('moved', { action: 'dispatch' }), '派单'],
    [entry('task_moved', { task: 'confirm_fire', state: 'done', outcome: 'false_alarm' }), '到场确认火情：已完成 · 误报'],
    [entry('escalated', { reason: 'task_overdue', task: 'intercom' }), '任务超时 · 应答轿厢对讲'],
    [entry('edited', { priority: 1 }, { priority: 3 }), '修改 · 优先级 P3 → P1'],
    [entry('alarm_returned'), '告警恢复'],
  ])('reads as a sentence', (given, sentence) => {
    expect(sentenceOf(given, t)).toBe(sentence)
  })

  it('names whom the order was given to', () => {
    const dispatched = entry('moved', { action: 'dispatch', state: 'dispatched', assignee_id: 'p1' })
    expect(sentenceOf(dispatched, t, new Map([['p1', '张工']]))).toBe('派给 张工 → 已派单')
    expect(sentenceOf(dispatched, t)).toBe('派单 → 已派单')
  })

  it('gives the reason in words where it is one of the hub’s, and as written where a person wrote it', () => {
    expect(whyOf(entry('moved', {}, {}, 'telemetry_normal'), t, isKnown)).toBe('监测数据已恢复正常')
    expect(whyOf(entry('moved', {}, {}, 'real_fire'), t, isKnown)).toBe('真火')
    expect(whyOf(entry('moved', {}, {}, '等配件'), t, isKnown)).toBe('等配件')
    expect(whyOf(entry('moved'), t, isKnown)).toBeNull()
  })
})
