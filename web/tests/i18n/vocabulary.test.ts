import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { flat, textsOf } from './texts'

/** The closed sets of the hub, as its OpenAPI document names them: each word must have a text in both languages. */
interface Schema {
  enum?: string[]
  $ref?: string
  anyOf?: Schema[]
  properties?: Record<string, Schema>
}
const { components } = JSON.parse(readFileSync('openapi.json', 'utf8')) as { components: { schemas: Record<string, Schema> } }
const languages = { 'zh-CN': flat(textsOf('zh-CN')), en: flat(textsOf('en')) }

/** The words that a field may have. */
function wordsOf(schema: string, field: string): string[] {
  let found: Schema | undefined = components.schemas[schema]?.properties?.[field]
  found = found?.anyOf?.find((one) => one.$ref) ?? found
  if (found?.$ref) found = components.schemas[found.$ref.split('/').at(-1)!]
  return found?.enum ?? []
}

describe.each(Object.entries(languages))('in %s there is a word for every', (_, texts) => {
  it.each([
    ['AlarmOut', 'severity', 'shared.severity'],
    ['AlarmOut', 'state', 'alarms.state'],
    ['TransitionOut', 'kind', 'alarms.transition'],
    ['EquipmentOut', 'kind', 'catalog.kind'],
    ['GrantBody', 'role', 'people.role'],
    ['WorkOrderOut', 'state', 'ticketing.state'],
    ['WorkOrderOut', 'category', 'ticketing.category'],
    ['WorkOrderOut', 'channel', 'ticketing.channel'],
    ['WorkOrderOut', 'closing_code', 'ticketing.closing'],
    ['WorkOrderOut', 'fire_outcome', 'ticketing.fire'],
    ['TaskOut', 'kind', 'ticketing.task'],
    ['TaskOut', 'state', 'ticketing.taskState'],
    ['OfferOut', 'mode', 'ticketing.mode'],
    ['OfferOut', 'outcome', 'ticketing.outcome'],
    ['OwnerReportOut', 'state', 'ticketing.ownerState'],
    ['QuotationOut', 'state', 'ticketing.quotation.face'],
    ['QuotationOut', 'payer', 'ticketing.payer'],
    ['QuotationItemOut', 'kind', 'ticketing.quotation.kind'],
    ['ContractorAnswerOut', 'outcome', 'ticketing.contractor.check'],
    ['NotificationOut', 'state', 'notify.state'],
    ['NotificationOut', 'channel', 'notify.channel'],
    ['NotificationOut', 'urgency', 'notify.urgency'],
  ])('%s.%s', (schema, field, prefix) => {
    const words = wordsOf(schema, field)
    expect(words.length).toBeGreaterThan(0)
    expect(words.filter((word) => !(`${prefix}.${word}` in texts))).toEqual([])
  })

  it('kind of timeline entry (a move has a sentence of its own)', () => {
    const words = wordsOf('TimelineOut', 'what').filter((word) => word !== 'moved')
    expect(words.length).toBeGreaterThan(0)
    expect(words.filter((word) => !(`ticketing.entry.${word}` in texts))).toEqual([])
  })
})
