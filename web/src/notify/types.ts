import type { components, paths } from '@/api/schema'

export type Notification = components['schemas']['NotificationOut']
export type NotificationQuery = NonNullable<paths['/api/v1/notifications']['get']['parameters']['query']>
