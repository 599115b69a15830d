import { describe, expect, it } from 'vitest'
import type { RouteLocationNormalized } from 'vue-router'

import { NAVIGATION } from '@/hub/navigation'
import { admit, makeRouter, returnPath } from '@/hub/router'
import { hasRole, type Role } from '@/people/roles'

const me = (...roles: Role[]) => ({ grants: roles.map((role) => ({ role })) })

describe('roles', () => {
  it('let in whoever holds one of them, and an admin everywhere', () => {
    expect(hasRole(me('dispatcher'), ['dispatcher', 'manager'])).toBe(true)
    expect(hasRole(me('engineer'), ['dispatcher', 'manager'])).toBe(false)
    expect(hasRole(me('admin'), ['dispatcher'])).toBe(true)
    expect(hasRole(undefined, ['dispatcher'])).toBe(false)
  })
})

describe('the way back after log-in', () => {
  const route = (back: unknown) => ({ query: { back } }) as unknown as RouteLocationNormalized
  it.each([
    ['/work-orders?state=new', '/work-orders?state=new'],
    ['https://evil.example', '/'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    [undefined, '/'],
  ])('for %s is %s', (back, path) => {
    expect(returnPath(route(back))).toBe(path)
  })
})

describe('the navigation', () => {
  it('leads to pages that exist', () => {
    const router = makeRouter()
    for (const { route, under } of NAVIGATION) {
      for (const name of [route, ...under]) expect(router.hasRoute(name), name).toBe(true)
    }
  })

  it('sends whoever is not signed in to the log-in page, with the way back', () => {
    const alarms = { meta: {}, fullPath: '/alarms?state=UNACKED' }
    expect(admit(alarms, false)).toEqual({ name: 'login', query: { back: '/alarms?state=UNACKED' } })
    expect(admit(alarms, true)).toBe(true)
    expect(admit({ meta: { isPublic: true }, fullPath: '/login' }, false)).toBe(true)
  })

  it.each([
    ['/o/reports/eyJh.eyJz.c2ln', 'owner-report'],
    ['/q/Xk3_-9', 'equipment-label'],
  ])('lets everybody open %s, which messages and labels carry', (path, name) => {
    const to = makeRouter().resolve(path)
    expect(to.name).toBe(name)
    expect(to.matched).toHaveLength(1) // outside the desk
    expect(admit(to, false)).toBe(true)
  })
})
