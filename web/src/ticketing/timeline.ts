import type { TimelineEntry } from './types'

type Translate = (key: string, named?: Record<string, unknown>) => string

/**
 * What an entry says in one sentence; who and when stand beside it, why below. `names`: people by id, as far as the
 * order itself names them.
 */
export function sentenceOf(entry: TimelineEntry, t: Translate, names: ReadonlyMap<string, string> = new Map()): string {
  const word = (name: string) => textOf(entry.after[name])
  switch (entry.what) {
    case 'moved':
      return movedSentence(entry, t, names)
    case 'opened':
      return t('ticketing.entry.opened', { channel: t(`ticketing.channel.${word('channel')}`) })
    case 'report_joined':
      return t('ticketing.entry.report_joined', { channel: t(`ticketing.channel.${word('channel')}`) })
    case 'task_opened':
      return t('ticketing.entry.task_opened', { task: t(`ticketing.task.${word('task')}`) })
    case 'task_moved':
      return [
        t('ticketing.entry.task_moved', {
          task: t(`ticketing.task.${word('task')}`),
          state: t(`ticketing.taskState.${word('state')}`),
        }),
        ...(word('outcome') ? [t(`ticketing.fire.${word('outcome')}`)] : []),
      ].join(' · ')
    case 'warned':
    case 'escalated': {
      const reason = t(`ticketing.escalation.${word('reason')}`)
      return word('task') ? `${reason} · ${t(`ticketing.task.${word('task')}`)}` : reason
    }
    case 'upgraded':
    case 'edited':
      return [t(`ticketing.entry.${entry.what}`), changesOf(entry, t)].filter(Boolean).join(' · ')
    default:
      return t(`ticketing.entry.${entry.what}`)
  }
}

function movedSentence(entry: TimelineEntry, t: Translate, names: ReadonlyMap<string, string>): string {
  const action = textOf(entry.after.action)
  const state = textOf(entry.after.state)
  const isGiven = ['dispatch', 'transfer', 'outsource'].includes(action)
  const name = isGiven ? names.get(textOf(entry.after.assignee_id)) : undefined
  const head = name ? t('ticketing.entry.dispatched_to', { name }) : knownOr(`ticketing.action.${action}`, action, t)
  return state ? `${head} → ${t(`ticketing.state.${state}`)}` : head
}

/** The text of a key; an action of a company's own flow has none here and is called by its code. */
function knownOr(key: string, code: string, t: Translate): string {
  const text = t(key)
  return text === key ? code : text
}

function changesOf({ before, after }: TimelineEntry, t: Translate): string {
  if (after.priority === undefined) return ''
  return t('ticketing.entry.priority', { before: textOf(before.priority), after: textOf(after.priority) })
}

function textOf(value: unknown): string {
  return value === null || value === undefined ? '' : String(value)
}

/** `why` is a word of the hub's (a proof, an outcome) or what somebody wrote. */
export function whyOf(entry: TimelineEntry, t: Translate, isKnown: (key: string) => boolean): string | null {
  if (!entry.why) return null
  const known = [`ticketing.why.${entry.why}`, `ticketing.fire.${entry.why}`].find(isKnown)
  return known ? t(known) : entry.why
}
