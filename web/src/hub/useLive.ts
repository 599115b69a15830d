import { useQueryClient } from '@tanstack/vue-query'
import { type InjectionKey, inject, onBeforeUnmount, onMounted, provide, type Ref } from 'vue'

import { api, unwrap } from '@/api/client'

import { Invalidator } from './invalidation'
import { LiveConnection, type LiveState } from './live'

export interface Live {
  state: Readonly<Ref<LiveState>>
  retryNow: () => void
}

const LIVE: InjectionKey<Live> = Symbol('live updates')

/** Opens the window's one stream for as long as the shell stands. */
export function provideLive(): Live {
  const queries = useQueryClient()
  const invalidator = new Invalidator(queries)
  const connection = new LiveConnection({
    connect: async () => {
      const { stream_token: token } = await unwrap(api.POST('/api/v1/auth/stream-token'))
      return new EventSource(`/api/v1/live?token=${encodeURIComponent(token)}`)
    },
    onEvent: (event) => invalidator.hear(event),
    onResumed: () => void queries.invalidateQueries(),
  })
  const retry = () => connection.retryNow()

  onMounted(() => {
    connection.start()
    window.addEventListener('online', retry)
  })
  onBeforeUnmount(() => {
    connection.stop()
    window.removeEventListener('online', retry)
  })
  const live = { state: connection.state, retryNow: retry }
  provide(LIVE, live)
  return live
}

export function useLive(): Live {
  const live = inject(LIVE)
  if (!live) throw new Error('useLive() outside the shell')
  return live
}
