import type { RouteRecordRaw } from 'vue-router'

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
