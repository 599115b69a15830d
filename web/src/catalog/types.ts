import type { components, paths } from '@/api/schema'

export type Site = components['schemas']['SiteOut']
export type Building = components['schemas']['BuildingOut']
export type Equipment = components['schemas']['EquipmentOut']
export type EquipmentKind = components['schemas']['EquipmentKind']
export type Point = components['schemas']['PointOut']
export type TreeNode = components['schemas']['TreeOut']
export type DiscoveredDevice = components['schemas']['DiscoveredOut']
export type DiscoveredDetail = components['schemas']['DiscoveredDetail']
export type DeadLetter = components['schemas']['DeadLetterOut']
export type EquipmentQuery = NonNullable<paths['/api/v1/equipment']['get']['parameters']['query']>
