import type { components, paths } from '@/api/schema'

export type Alarm = components['schemas']['AlarmOut']
export type AlarmState = components['schemas']['AlarmState']
export type Transition = components['schemas']['TransitionOut']
export type AlarmQuery = NonNullable<paths['/api/v1/alarms']['get']['parameters']['query']>
