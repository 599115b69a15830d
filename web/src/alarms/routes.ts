import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: 'alarms',
    name: 'alarms',
    component: () => import('./AlarmList.vue'),
    meta: { title: 'alarms.title' },
  },
]
