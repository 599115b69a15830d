import type { ContractorField } from './types'

/** What is being filled in, by the field's key: text as it was typed, ids and codes; lists where a field takes many. */
export type Filled = Record<string, string | string[]>

const CHOSEN: readonly ContractorField['type'][] = ['choice', 'location', 'equipment']
const SENT: readonly ContractorField['type'][] = ['photo', 'video']

export const isChosen = ({ type }: Pick<ContractorField, 'type'>): boolean => CHOSEN.includes(type)
export const isSent = ({ type }: Pick<ContractorField, 'type'>): boolean => SENT.includes(type)

/** Whether the holder of the link can answer it; else the desk does. */
export function isTheirs(field: Pick<ContractorField, 'type' | 'may_write' | 'options'>): boolean {
  return field.may_write && (!isChosen(field) || field.options.length > 0)
}

/** What is there already, as it is typed. */
export function filledOf(fields: readonly ContractorField[]): Filled {
  return Object.fromEntries(fields.flatMap((field) => (field.value === null ? [] : [[field.key, typedOf(field)]])))
}

function typedOf({ type, value, many }: ContractorField): string | string[] {
  if (many && Array.isArray(value)) return value.map((one) => (type === 'datetime' ? asLocal(String(one)) : String(one)))
  return type === 'datetime' ? asLocal(String(value)) : String(value)
}

/** As an input for date and time holds it: on the clock of whoever looks at it. */
function asLocal(instant: string): string {
  const at = new Date(instant)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

export function isFilled(field: Pick<ContractorField, 'key'>, filled: Filled): boolean {
  const typed = filled[field.key]
  return Array.isArray(typed) ? typed.length > 0 : Boolean(typed?.trim())
}

/** What still has to be filled in, by whomever. */
export function unfilled(fields: readonly ContractorField[], filled: Filled): ContractorField[] {
  return fields.filter((field) => (isTheirs(field) ? !isFilled(field, filled) : field.value === null))
}

/** The values as they are sent with the end of the work. */
export function asForm(fields: readonly ContractorField[], filled: Filled): Record<string, unknown> {
  const theirs = fields.filter((field) => isTheirs(field) && isFilled(field, filled))
  return Object.fromEntries(theirs.map((field) => [field.key, asSent(field, filled[field.key] as string | string[])]))
}

function asSent(field: ContractorField, typed: string | string[]): unknown {
  const values = (Array.isArray(typed) ? typed : [typed]).map((one) => valueOf(field.type, one.trim()))
  return field.many ? values : values[0]
}

function valueOf(type: ContractorField['type'], typed: string): unknown {
  if (type === 'number') return Number(typed)
  return type === 'datetime' ? new Date(typed).toISOString() : typed
}
