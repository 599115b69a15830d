import type { RouteRecordRaw } from 'vue-router'

export const routes: RouteRecordRaw[] = [
  {
    path: 'system',
    name: 'system',
    component: () => import('./SystemHealth.vue'),
    meta: { title: 'system.title' },
  },
]
