import type { components, paths } from '@/api/schema'

export type WorkOrderLine = components['schemas']['WorkOrderLineOut']
export type WorkOrder = components['schemas']['WorkOrderOut']
export type OrderState = components['schemas']['OrderState']
// An action of the order's flow, which is data.
export type Action = string
export type LegalAction = components['schemas']['ActionOut']
export type ActionBody = components['schemas']['ActionIn']
export type Task = components['schemas']['TaskOut']
export type TaskAction = components['schemas']['TaskAction']
export type TaskActionBody = components['schemas']['TaskActionIn']
export type Report = components['schemas']['ReportOut']
export type OwnerReport = components['schemas']['OwnerReportOut']
export type OwnerState = components['schemas']['OwnerState']
export type TimelineEntry = components['schemas']['TimelineOut']
export type Offer = components['schemas']['OfferOut']
export type Photo = components['schemas']['PhotoOut']
export type Suggestion = components['schemas']['SuggestionOut']
export type NewOrder = components['schemas']['WorkOrderIn']
// Two rooms have an enum of this name, so it is taken from the field.
export type Channel = WorkOrderLine['channel']
export type Category = components['schemas']['Category']
export type ClosingCode = components['schemas']['ClosingCode']
export type WorkOrderQuery = NonNullable<paths['/api/v1/work-orders']['get']['parameters']['query']>
