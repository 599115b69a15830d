import {
  BellRing,
  BookCheck,
  Building2,
  ClipboardList,
  Headset,
  HeartPulse,
  LayoutDashboard,
  MessageSquareWarning,
  Radio,
} from '@lucide/vue'
import type { Component } from 'vue'

import type { Role } from '@/people/roles'

/** A place in the side navigation. `roles`: who sees it (an admin sees all); none: everyone. */
export interface NavEntry {
  route: string
  text: string
  icon: Component
  roles?: readonly Role[]
  /** the number beside it */
  badge?: 'alarms' | 'work-orders'
  /** other routes that lie under it */
  under: readonly string[]
}

export const NAVIGATION: readonly NavEntry[] = [
  { route: 'overview', text: 'hub.nav.overview', icon: LayoutDashboard, under: [] },
  { route: 'alarms', text: 'hub.nav.alarms', icon: BellRing, badge: 'alarms', under: [] },
  {
    route: 'work-orders',
    text: 'hub.nav.workOrders',
    icon: ClipboardList,
    badge: 'work-orders',
    under: ['work-order'],
  },
  { route: 'work-order-new', text: 'hub.nav.intake', icon: Headset, roles: ['dispatcher', 'manager'], under: [] },
  { route: 'equipment-list', text: 'hub.nav.equipment', icon: Building2, under: ['equipment'] },
  { route: 'rules', text: 'hub.nav.rules', icon: BookCheck, under: ['rule', 'rule-new'] },
  {
    route: 'discovered-devices',
    text: 'hub.nav.devices',
    icon: Radio,
    under: ['links', 'dead-letters'],
  },
  {
    route: 'notifications',
    text: 'hub.nav.notifications',
    icon: MessageSquareWarning,
    roles: ['dispatcher', 'manager'],
    under: [],
  },
  { route: 'system', text: 'hub.nav.system', icon: HeartPulse, roles: ['engineer', 'dispatcher', 'manager'], under: [] },
]
