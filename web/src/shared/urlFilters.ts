import { computed, type WritableComputedRef } from 'vue'
import { type LocationQueryRaw, useRoute, useRouter } from 'vue-router'

type Changes = Record<string, string | undefined>

/** Every other name is a filter, and a changed filter begins again at the first page. */
const KEEPS_PAGE = new Set(['page', 'open', 'span', 'zoom'])

export interface UrlFilters {
  one: (name: string, fallback?: string) => WritableComputedRef<string>
  many: (name: string) => WritableComputedRef<string[]>
  flag: (name: string) => WritableComputedRef<boolean>
  number: (name: string, fallback: number) => WritableComputedRef<number>
  /** several at once, e.g. a span that ends a zoom */
  set: (changes: Changes) => void
  clear: () => void
}

/** Filters live in the URL, so that a view can be bookmarked, sent and gone back to. */
export function useUrlFilters(): UrlFilters {
  const route = useRoute()
  const router = useRouter()
  let pending: Changes | null = null

  // Changes of one moment are gathered: the address changes later, and the second would not see the first.
  function set(changes: Changes): void {
    if (pending === null) {
      pending = {}
      queueMicrotask(apply)
    }
    Object.assign(pending, changes)
  }

  function apply(): void {
    const changes = pending ?? {}
    pending = null
    const isFilter = Object.keys(changes).some((name) => !KEEPS_PAGE.has(name))
    const query: LocationQueryRaw = { ...route.query, ...(isFilter ? { page: undefined } : {}), ...changes }
    for (const [name, value] of Object.entries(query)) if (!value) delete query[name]
    void router.replace({ query, hash: route.hash })
  }

  function text(name: string): string | undefined {
    const value = route.query[name]
    return (Array.isArray(value) ? value[0] : value) ?? undefined
  }

  return {
    one: (name, fallback = '') =>
      computed({
        get: () => text(name) ?? fallback,
        set: (value) => set({ [name]: value === fallback ? undefined : value }),
      }),
    many: (name) =>
      computed({
        get: () => text(name)?.split(',').filter(Boolean) ?? [],
        set: (value) => set({ [name]: value.join() || undefined }),
      }),
    flag: (name) =>
      computed({ get: () => text(name) === '1', set: (value) => set({ [name]: value ? '1' : undefined }) }),
    number: (name, fallback) =>
      computed({
        get: () => {
          const value = Number(text(name))
          return Number.isInteger(value) && value > 0 ? value : fallback
        },
        set: (value) => set({ [name]: value === fallback ? undefined : String(value) }),
      }),
    set,
    clear: () => void router.replace({ query: {} }),
  }
}
