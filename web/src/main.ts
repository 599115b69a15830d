import '@/shared/tokens.css'
import '@/shared/base.css'
import '@/shared/lists.css'
import 'element-plus/es/components/base/style/css'
import 'element-plus/es/components/message/style/css'
import '@/shared/element-plus.css'

import { VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { createApp, watch } from 'vue'

import { useRequestContext } from '@/api/client'
import { makeQueryClient } from '@/api/queries'
import { i18n } from '@/i18n'
import { useSession } from '@/people/session'
import { usePreferences } from '@/shared/preferences'

import App from './App.vue'
import { makeRouter } from './hub/router'

async function start(): Promise<void> {
  const app = createApp(App)
  const queries = makeQueryClient()
  app.use(createPinia()).use(i18n).use(VueQueryPlugin, { queryClient: queries })
  const session = useSession()
  const preferences = usePreferences()
  const router = makeRouter()

  useRequestContext({
    token: () => session.token,
    language: () => preferences.language,
    onUnauthenticated: () => session.end(),
  })

  // However the session ended (the hub said 401, another tab logged out): log in again and come back here.
  watch(
    () => session.isSignedIn,
    (isSignedIn) => {
      const here = router.currentRoute.value
      if (isSignedIn || here.meta.isPublic) return
      queries.clear()
      void router.replace({ name: 'login', query: { back: here.fullPath, why: 'expired' } })
    },
  )
  const entitle = (): void => {
    const { title } = router.currentRoute.value.meta
    document.title = [title && i18n.global.t(title), i18n.global.t('hub.product')].filter(Boolean).join(' · ')
  }
  router.afterEach(entitle)
  watch(
    () => preferences.language,
    () => {
      entitle()
      void queries.invalidateQueries() // some answers are in the asker's language
    },
  )

  await preferences.apply()
  app.use(router).mount('#app')
}

void start()
