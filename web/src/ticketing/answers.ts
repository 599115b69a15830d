import type { Language } from '@/i18n'
import { formatFull } from '@/shared/time'

import type { Report } from './types'

type Answer = Report['answers'][number]

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/

/** What somebody filled into a field, as people read it: the words of a choice, a time of day, a number with its unit. */
export function answered(answer: Answer, language: Language): string {
  if (answer.value_names.length > 0) {
    return answer.value_names.map((names) => names[language] ?? '').join(language === 'en' ? ', ' : '、')
  }
  const values = Array.isArray(answer.value) ? (answer.value as unknown[]) : [answer.value]
  const words = values.map((value) => worded(value, language)).join(language === 'en' ? ', ' : '、')
  return answer.unit ? `${words} ${answer.unit}` : words
}

function worded(value: unknown, language: Language): string {
  return typeof value === 'string' && INSTANT.test(value) ? formatFull(value, language) : String(value)
}
