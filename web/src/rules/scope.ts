import type { components } from '@/api/schema'
import { hasRole, type Role } from '@/people/roles'

type Me = components['schemas']['MeOut']

const EDITING: readonly Role[] = ['manager']

/**
 * Where this person may change rules: everywhere, at some sites, or nowhere. A rule for every site is changed only by
 * somebody who answers for every site.
 */
export interface RuleScope {
  isEverywhere: boolean
  siteIds: readonly string[]
}

export function ruleScope(me: Me | undefined): RuleScope {
  const grants = me?.grants.filter((grant) => hasRole({ grants: [grant] }, EDITING)) ?? []
  return {
    isEverywhere: grants.some(({ site_id }) => site_id == null),
    siteIds: grants.flatMap(({ site_id }) => (site_id == null ? [] : [site_id])),
  }
}

/** Whether a rule of this site (null: of every site) is theirs to change. */
export function mayChange(scope: RuleScope, siteId: string | null | undefined): boolean {
  return scope.isEverywhere || (siteId != null && scope.siteIds.includes(siteId))
}

/** Whether they may make a rule at all. */
export function mayMake(scope: RuleScope): boolean {
  return scope.isEverywhere || scope.siteIds.length > 0
}
