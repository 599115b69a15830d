import type { Action, ActionBody, LegalAction, OrderState, Task, TaskAction } from './types'

/**
 * How the actions that the hub allows are put before a person. Which are allowed is the hub's word
 * (`WorkOrderOut.actions`, for this caller and this state): there is no second table here.
 */

/** The next step on the way to done, by state: the one big button. */
const NEXT_STEP: Partial<Record<OrderState, readonly Action[]>> = {
  new: ['admit', 'dispatch', 'accept'],
  reopened: ['dispatch', 'accept'],
  dispatched: ['accept', 'dispatch'],
  accepted: ['depart', 'arrive', 'dispatch'],
  en_route: ['arrive', 'dispatch'],
  on_site: ['start', 'finish'],
  in_progress: ['finish'],
  on_hold: ['resume'],
  done: ['verify', 'close'],
  verified: ['close'],
}

/** What the flow calls an action, in the reader's language. */
export function nameOf(action: LegalAction, locale: string): string {
  return action.name[locale] ?? action.action
}

/** Never the first thing offered, and set apart from the rest. */
const GRAVE: readonly Action[] = ['cancel', 'reopen', 'decline']

export interface ActionMenu {
  main: LegalAction | null
  others: LegalAction[]
  grave: LegalAction[]
}

export function menuOf(state: OrderState, legal: readonly LegalAction[]): ActionMenu {
  const step = NEXT_STEP[state]?.find((wanted) => legal.some(({ action }) => action === wanted))
  const main = legal.find(({ action }) => action === step) ?? null
  const rest = legal.filter((one) => one !== main)
  return {
    main,
    others: rest.filter(({ action }) => !GRAVE.includes(action)),
    grave: rest.filter(({ action }) => GRAVE.includes(action)),
  }
}

/** What may be said with an action, as `Words` of the hub has it. */
export type Field =
  | 'assignee_id'
  | 'reason'
  | 'note'
  | 'closing_code'
  | 'hold_until'
  | 'promised_at'
  | 'children'
  | 'fault_mode'
  | 'cause'
  | 'remedy'
  | 'duplicate_of'

/** What is worth asking although it is not required. */
const WELCOME: Partial<Record<Action, readonly Field[]>> = {
  dispatch: ['reason'],
  accept: ['promised_at'],
  hold: ['hold_until'],
  finish: ['cause', 'remedy', 'note'],
  verify: ['note'],
  close: ['note'],
}

export interface AskedField {
  field: Field
  isRequired: boolean
}

/** The fields to ask for, required ones first. Empty: one press is enough. */
export function fieldsOf({ action, required }: LegalAction): AskedField[] {
  const needed = required.map((field) => ({ field: field as Field, isRequired: true }))
  const welcome = (WELCOME[action] ?? []).filter((field) => !required.includes(field))
  return [...needed, ...welcome.map((field) => ({ field, isRequired: false }))]
}

/** Whether pressing the button acts at once: nothing must be said, and what may be said is worth no dialog. */
export function actsAtOnce(action: LegalAction): boolean {
  return action.required.length === 0 && !['finish', 'verify', 'close'].includes(action.action)
}

/** The body of a request: only what was said. */
export function bodyOf(action: Action, version: number, said: Partial<Record<Field, string | null>>): ActionBody {
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null && value?.trim() !== ''))
  return { action, version, ...given } as ActionBody
}

// --- tasks -----------------------------------------------------------------------------------------------------------

/** A button on a task. `outcome`: what was found there; `mustConfirm`: a matter of life, pressed twice. */
export interface TaskButton {
  action: TaskAction
  outcome?: 'real_fire' | 'false_alarm' | 'test'
  text: string
  isMain: boolean
  mustConfirm: boolean
}

/** The one-tap buttons of a task, out of what the hub allows this caller. */
export function taskButtons(task: Pick<Task, 'kind' | 'state' | 'actions'>): TaskButton[] {
  const buttons: TaskButton[] = []
  const allows = (action: TaskAction) => task.actions?.includes(action) ?? false
  const isPlace = task.kind === 'reassure' || task.kind === 'secure' || task.kind === 'release' || task.kind === 'confirm_fire'
  if (allows('accept')) {
    buttons.push({ action: 'accept', text: 'accept', isMain: isPlace, mustConfirm: false })
  }
  if (isPlace && allows('arrive')) {
    buttons.push({ action: 'arrive', text: 'arrive', isMain: task.state !== 'open', mustConfirm: false })
  }
  if (!allows('finish')) return buttons
  if (task.kind === 'confirm_fire') return [...buttons, ...FIRE_BUTTONS]
  const isMain = !isPlace || task.state === 'on_site'
  return [...buttons, { action: 'finish', text: `finish_${task.kind}`, isMain, mustConfirm: false }]
}

const FIRE_BUTTONS: readonly TaskButton[] = [
  { action: 'finish', outcome: 'real_fire', text: 'real_fire', isMain: false, mustConfirm: true },
  { action: 'finish', outcome: 'false_alarm', text: 'false_alarm', isMain: false, mustConfirm: true },
  { action: 'finish', outcome: 'test', text: 'test', isMain: false, mustConfirm: true },
]
