import { ElMessage } from 'element-plus'

import { Problem } from '@/api/problem'
import { i18n } from '@/i18n'

type Translate = (key: string, named?: Record<string, unknown>) => string

const OWN_TEXTS: Readonly<Record<string, string>> = {
  network: 'shared.problem.network',
  unreachable: 'shared.problem.unreachable',
}

/** One sentence for people: the hub's own, or ours where the hub could not speak. */
export function describeProblem(error: unknown, t: Translate): string {
  if (!(error instanceof Problem)) return t('shared.problem.unknown')
  if (error.message) return error.message
  return t(OWN_TEXTS[error.code] ?? 'shared.problem.unknown')
}

/** Says why an action failed, where the user is looking, without a dialog. */
export function reportProblem(error: unknown): void {
  const { t } = i18n.global
  const id = error instanceof Problem && error.requestId ? ` · ${t('shared.problem.requestId')} ${error.requestId}` : ''
  ElMessage.error({ message: describeProblem(error, t) + id, duration: 8000, showClose: true, grouping: true })
}

export function reportDone(message: string): void {
  ElMessage.success({ message, duration: 3000, grouping: true })
}
