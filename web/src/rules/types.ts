import type { components, paths } from '@/api/schema'

export type Rule = components['schemas']['RuleOut']
export type RuleDefinition = components['schemas']['RuleDefinition']
export type Check = components['schemas']['CheckOut']
export type CheckRequest = components['schemas']['CheckIn']
export type Profile = components['schemas']['ProfileOut']
export type RuleQuery = NonNullable<paths['/api/v1/rules']['get']['parameters']['query']>
