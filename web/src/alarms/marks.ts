import type { Mark } from '@/telemetry/marks'

import { endOf } from './state'
import type { Alarm } from './types'

type Words = (texts: Readonly<Record<string, string>>) => string
type Translate = (key: string) => string

/** An alarm on the time axis: from its onset until its condition was gone. */
export function alarmMark(alarm: Alarm, words: Words, t: Translate): Mark {
  return {
    id: alarm.id,
    kind: 'alarm',
    at: Date.parse(alarm.onset_at),
    end: endOf(alarm),
    text: words(alarm.message),
    detail: `${t(`shared.severity.${alarm.severity}`)} · ${t(`alarms.state.${alarm.state}`)}`,
    severity: alarm.severity,
  }
}
