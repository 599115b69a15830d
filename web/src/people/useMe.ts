import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'

import { api, unwrap } from '@/api/client'

import { hasRole, type Role } from './roles'
import { useSession } from './session'

const LONG_MS = 5 * 60_000

/** Who is signed in, and what they may do here. */
export function useMe() {
  const session = useSession()
  const query = useQuery({
    queryKey: ['me'],
    queryFn: () => unwrap(api.GET('/api/v1/auth/me')),
    enabled: computed(() => session.isSignedIn),
    staleTime: LONG_MS,
  })
  return { me: query.data, can: (...roles: Role[]) => hasRole(query.data.value, roles) }
}
