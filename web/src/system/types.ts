import type { components } from '@/api/schema'

export type Drop = components['schemas']['DropOut']
export type DropKind = components['schemas']['DropKind']
