import type { RouteRecordRaw } from 'vue-router'

/** Shown without a log-in and outside the desk: what the label on an equipment opens. */
export const publicRoutes: RouteRecordRaw[] = [
  {
    path: '/q/:token',
    name: 'equipment-label',
    component: () => import('./LabelPage.vue'),
    props: true,
    meta: { isPublic: true, title: 'catalog.label.title' },
  },
]

export const routes: RouteRecordRaw[] = [
  {
    path: 'equipment',
    name: 'equipment-list',
    component: () => import('./EquipmentList.vue'),
    meta: { title: 'catalog.equipment.title' },
  },
  {
    path: 'equipment/:id',
    name: 'equipment',
    component: () => import('./EquipmentPage.vue'),
    props: true,
    meta: { title: 'catalog.equipment.one' },
  },
  {
    path: 'devices',
    component: () => import('./DevicesPage.vue'),
    children: [
      { path: '', redirect: { name: 'discovered-devices' } },
      {
        path: 'discovered',
        name: 'discovered-devices',
        component: () => import('./DiscoveredDevices.vue'),
        meta: { title: 'catalog.discovered.title' },
      },
      {
        path: 'links',
        name: 'links',
        component: () => import('./LinkStates.vue'),
        meta: { title: 'catalog.links.title' },
      },
      {
        path: 'dead-letters',
        name: 'dead-letters',
        component: () => import('./DeadLetters.vue'),
        meta: { title: 'catalog.deadLetters.title' },
      },
    ],
  },
]
