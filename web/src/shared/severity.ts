import { CircleAlert, Info, OctagonAlert, TriangleAlert } from '@lucide/vue'
import type { Component } from 'vue'

import type { components } from '@/api/schema'

export type Severity = components['schemas']['Severity']

export const SEVERITIES: readonly Severity[] = ['critical', 'major', 'minor', 'warning']

/** Shapes differ, so that a severity is read without its colour. */
export const SEVERITY_ICONS: Record<Severity, Component> = {
  critical: OctagonAlert,
  major: TriangleAlert,
  minor: CircleAlert,
  warning: Info,
}
