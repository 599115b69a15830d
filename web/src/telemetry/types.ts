import type { components } from '@/api/schema'

export type LatestValue = components['schemas']['LatestValueOut']
export type Series = components['schemas']['SeriesOut']
