import type { RouteRecordRaw } from 'vue-router'

/** Shown without a log-in and outside the desk: what links in messages open. */
export const publicRoutes: RouteRecordRaw[] = [
  {
    path: '/o/reports/:token',
    name: 'owner-report',
    component: () => import('./OwnerReportPage.vue'),
    props: true,
    meta: { isPublic: true, title: 'ticketing.owner.title' },
  },
  {
    path: '/o/quotations/:token',
    name: 'quotation',
    component: () => import('./QuotationPage.vue'),
    props: true,
    meta: { isPublic: true, title: 'ticketing.quotation.title' },
  },
  {
    path: '/o/work/:token',
    name: 'contractor-work',
    component: () => import('./ContractorPage.vue'),
    props: true,
    meta: { isPublic: true, title: 'ticketing.contractor.title' },
  },
]

export const routes: RouteRecordRaw[] = [
  {
    path: 'work-orders',
    name: 'work-orders',
    component: () => import('./WorkOrderList.vue'),
    meta: { title: 'ticketing.title' },
  },
  {
    path: 'work-orders/new',
    name: 'work-order-new',
    component: () => import('./IntakePage.vue'),
    meta: { title: 'ticketing.intake.title' },
  },
  {
    path: 'work-orders/:id',
    name: 'work-order',
    component: () => import('./WorkOrderPage.vue'),
    props: true,
    meta: { title: 'ticketing.one' },
  },
]
