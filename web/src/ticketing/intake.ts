import type { Category, Channel, NewOrder } from './types'

/** How customer service hears of things. */
export const DESK_CHANNELS: readonly Channel[] = ['phone', 'front_desk', 'chat_group', 'staff']

export const DESK_CATEGORIES: readonly Category[] = [
  'elevator',
  'water_leak',
  'no_water',
  'drainage',
  'power',
  'lighting',
  'door_lock',
  'fire',
  'gas',
  'intercom',
  'hvac',
  'noise',
  'hygiene',
  'parking',
  'public_area',
  'inquiry',
  'complaint',
  'suggestion',
  'other',
]

/** What the intake form holds; empty text for what was not said. */
export interface Intake {
  siteId: string
  channel: Channel
  category: Category | ''
  text: string
  buildingId: string
  roomId: string
  equipmentId: string
  reporterId: string
  name: string
  phone: string
  isEmergency: boolean
  priority: number
}

export function emptyIntake(siteId: string): Intake {
  return {
    siteId,
    channel: 'phone',
    category: '',
    text: '',
    buildingId: '',
    roomId: '',
    equipmentId: '',
    reporterId: '',
    name: '',
    phone: '',
    isEmergency: false,
    priority: 0,
  }
}

/** The word that starts a rescue of its own, where the category has one. */
const EMERGENCIES: Partial<Record<Category, { faultMode: string; text: 'trapped' | 'smoke' }>> = {
  elevator: { faultMode: 'passenger_trapped', text: 'trapped' },
  fire: { faultMode: 'smoke_detected', text: 'smoke' },
}

export function emergencyOf(category: Category | ''): { faultMode: string; text: 'trapped' | 'smoke' } | null {
  return (category && EMERGENCIES[category]) || null
}

/** What is still needed, as names of fields: what it is about, and some word on where. */
export function missingOf(intake: Intake): ('site' | 'category' | 'place')[] {
  const missing: ('site' | 'category' | 'place')[] = []
  if (!intake.siteId) missing.push('site')
  if (!intake.category) missing.push('category')
  if (!intake.buildingId && !intake.roomId && !intake.equipmentId && !intake.text.trim()) missing.push('place')
  return missing
}

/** The request; what was left empty is not sent. */
export function orderOf(intake: Intake): NewOrder {
  const emergency = intake.isEmergency ? emergencyOf(intake.category) : null
  return {
    site_id: intake.siteId,
    channel: intake.channel,
    category: intake.category || 'other',
    text: intake.text.trim(),
    ...(intake.roomId ? { space_id: intake.roomId } : {}),
    ...(intake.buildingId ? { building_id: intake.buildingId } : {}),
    ...(intake.equipmentId ? { equipment_id: intake.equipmentId } : {}),
    ...(intake.reporterId ? { reporter_id: intake.reporterId } : {}),
    ...(intake.name.trim() ? { contact_name: intake.name.trim() } : {}),
    ...(intake.phone.trim() ? { contact_phone: intake.phone.trim() } : {}),
    ...(emergency ? { fault_mode: emergency.faultMode } : {}),
    ...(intake.priority ? { priority: intake.priority } : {}),
  }
}
