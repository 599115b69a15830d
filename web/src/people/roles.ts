import type { components } from '@/api/schema'

export type Role = components['schemas']['Role']

interface Granted {
  grants: readonly { role: Role }[]
}

/** Whether this person holds one of `roles` anywhere; an admin may do what any role may. The hub has the last word. */
export function hasRole(me: Granted | undefined, roles: readonly Role[]): boolean {
  return me?.grants.some(({ role }) => role === 'admin' || roles.includes(role)) ?? false
}
