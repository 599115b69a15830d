import {
  createRouter,
  createWebHistory,
  type RouteLocationNormalized,
  type RouteLocationRaw,
  type Router,
  type RouteRecordRaw,
} from 'vue-router'

import { routes as alarms } from '@/alarms/routes'
import { publicRoutes as labels, routes as catalog } from '@/catalog/routes'
import { routes as notify } from '@/notify/routes'
import { routes as people } from '@/people/routes'
import { useSession } from '@/people/session'
import { routes as rules } from '@/rules/routes'
import { routes as system } from '@/system/routes'
import { publicRoutes as owners, routes as ticketing } from '@/ticketing/routes'

declare module 'vue-router' {
  interface RouteMeta {
    /** shown without a session, e.g. the log-in page */
    isPublic?: boolean
    /** key of the page's title */
    title?: string
  }
}

const desk: RouteRecordRaw = {
  path: '/',
  component: () => import('./DeskShell.vue'),
  children: [
    { path: '', name: 'overview', component: () => import('./Overview.vue'), meta: { title: 'hub.nav.overview' } },
    ...alarms,
    ...ticketing,
    ...catalog,
    ...rules,
    ...notify,
    ...system,
    {
      path: ':path(.*)*',
      name: 'not-found',
      component: () => import('./NotFound.vue'),
      meta: { title: 'hub.notFound.title' },
    },
  ],
}

export function makeRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [...people, ...owners, ...labels, desk],
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
  })
  router.beforeEach((to) => admit(to, useSession().isSignedIn))
  return router
}

/** Whoever is not signed in logs in first, and comes back here. */
export function admit(
  to: Pick<RouteLocationNormalized, 'meta' | 'fullPath'>,
  isSignedIn: boolean,
): true | RouteLocationRaw {
  if (to.meta.isPublic || isSignedIn) return true
  return { name: 'login', query: { back: to.fullPath } }
}

/** Where to go after log-in: only ever a path of this site, whatever the address bar was given. */
export function returnPath(route: RouteLocationNormalized): string {
  const back = route.query.back
  if (typeof back !== 'string' || !back.startsWith('/') || back.startsWith('//') || back.startsWith('/\\')) return '/'
  return back
}
