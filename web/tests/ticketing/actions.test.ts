import { describe, expect, it } from 'vitest'

import { actsAtOnce, bodyOf, fieldsOf, menuOf, taskButtons } from '@/ticketing/actions'
import { isConcerned } from '@/ticketing/concern'
import { valuesOf } from '@/ticketing/facts'
import { ORDER_STATES } from '@/ticketing/state'
import type { Action, LegalAction } from '@/ticketing/types'

const legal = (action: Action, ...required: string[]): LegalAction => ({ action, name: { 'zh-CN': action, en: action }, required })

describe('the menu of actions', () => {
  it('offers nothing that the hub does not allow, in any state', () => {
    for (const state of ORDER_STATES) {
      expect(menuOf(state, [])).toEqual({ main: null, others: [], grave: [] })
    }
  })

  it('offers each allowed action exactly once, whatever the state', () => {
    const all = (['dispatch', 'accept', 'depart', 'arrive', 'start', 'finish', 'cancel', 'hold'] as const).map((one) => legal(one))
    for (const state of ORDER_STATES) {
      const { main, others, grave } = menuOf(state, all)
      const offered = [...(main ? [main] : []), ...others, ...grave].map(({ action }) => action)
      expect(offered.sort()).toEqual(all.map(({ action }) => action).sort())
    }
  })

  it.each([
    ['new', ['accept', 'dispatch'], 'dispatch'],
    ['new', ['accept'], 'accept'],
    ['dispatched', ['dispatch', 'accept'], 'accept'],
    ['accepted', ['start', 'depart', 'arrive'], 'depart'],
    ['en_route', ['hold', 'arrive'], 'arrive'],
    ['in_progress', ['hold', 'finish'], 'finish'],
    ['on_hold', ['resume', 'dispatch'], 'resume'],
    ['done', ['close', 'verify', 'reopen'], 'verify'],
  ] as const)('puts the next step first: %s with %j → %s', (state, actions, main) => {
    expect(menuOf(state, actions.map((action) => legal(action))).main?.action).toBe(main)
  })

  it('never makes cancelling the first thing, even when it is all one may do', () => {
    const { main, grave } = menuOf('new', [legal('cancel', 'reason')])
    expect(main).toBeNull()
    expect(grave.map(({ action }) => action)).toEqual(['cancel'])
  })
})

describe('what an action asks', () => {
  it('is what the hub requires, and then what is welcome', () => {
    expect(fieldsOf(legal('finish', 'closing_code'))).toEqual([
      { field: 'closing_code', isRequired: true },
      { field: 'cause', isRequired: false },
      { field: 'remedy', isRequired: false },
      { field: 'note', isRequired: false },
    ])
  })

  it('follows the hub when it requires more than before', () => {
    expect(fieldsOf(legal('hold', 'reason', 'hold_until'))).toEqual([
      { field: 'reason', isRequired: true },
      { field: 'hold_until', isRequired: true },
    ])
  })

  it('is nothing for a plain step: one press is enough', () => {
    expect(actsAtOnce(legal('depart'))).toBe(true)
    expect(actsAtOnce(legal('accept'))).toBe(true)
    expect(actsAtOnce(legal('cancel', 'reason'))).toBe(false)
    expect(actsAtOnce(legal('close'))).toBe(false)
  })

  it('is sent with the version that was seen, without what was not said', () => {
    expect(bodyOf('hold', 4, { reason: ' 等配件 ', note: '  ', hold_until: null })).toEqual({
      action: 'hold',
      version: 4,
      reason: ' 等配件 ',
    })
  })
})

describe('the buttons of a task', () => {
  it('of a finished one are none', () => {
    expect(taskButtons({ kind: 'intercom', state: 'done', actions: [] })).toEqual([])
  })

  it('of the intercom answer it with one tap', () => {
    const buttons = taskButtons({ kind: 'intercom', state: 'open', actions: ['accept', 'arrive', 'finish', 'cancel'] })
    expect(buttons.find(({ isMain }) => isMain)).toMatchObject({ action: 'finish', text: 'finish_intercom', mustConfirm: false })
    expect(buttons.some(({ action }) => action === 'arrive')).toBe(false)
  })

  it('of a guard go from accepting over arriving to done', () => {
    const main = (state: 'open' | 'accepted' | 'on_site', actions: ('accept' | 'arrive' | 'finish')[]) =>
      taskButtons({ kind: 'reassure', state, actions }).find(({ isMain }) => isMain)?.action
    expect(main('open', ['accept', 'arrive', 'finish'])).toBe('accept')
    expect(main('accepted', ['arrive', 'finish'])).toBe('arrive')
    expect(main('on_site', ['finish'])).toBe('finish')
  })

  it('of a fire confirmation give the three outcomes, each asked twice', () => {
    const outcomes = taskButtons({ kind: 'confirm_fire', state: 'on_site', actions: ['finish'] })
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['real_fire', 'false_alarm', 'test'])
    expect(outcomes.every(({ mustConfirm }) => mustConfirm)).toBe(true)
  })
})

describe('who is concerned with an order', () => {
  const order = { assignee_id: 'zhang', tasks: [{ assignee_id: 'guard' }, { assignee_id: null }] }
  const me = (person_id: string, role: 'engineer' | 'dispatcher' | 'tester') => ({ person_id, grants: [{ role }] })

  it.each([
    [me('zhang', 'engineer'), true],
    [me('guard', 'engineer'), true],
    [me('wang', 'dispatcher'), true],
    [me('somebody', 'engineer'), false],
    [me('zhang', 'tester'), false],
    [undefined, false],
  ])('%j: %s', (who, concerned) => {
    expect(isConcerned(order, who)).toBe(concerned)
  })
})

it('the values at opening are taken out of their facts; zero stays zero, missing stays missing', () => {
  const facts = { floor: { value: 0, unit: '' }, load: { value: null, unit: 'kg' }, plain: 7 }
  expect(valuesOf(facts)).toEqual({ floor: 0, load: null, plain: 7 })
})
