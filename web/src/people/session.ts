import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

const KEY = 'zhiwu.token'

/** The signed-in person's token. Who they are is server data: `useMe()`. */
export const useSession = defineStore('session', () => {
  const token = ref<string | null>(localStorage.getItem(KEY))
  const isSignedIn = computed(() => token.value !== null)

  function begin(accessToken: string): void {
    token.value = accessToken
    localStorage.setItem(KEY, accessToken)
  }

  function end(): void {
    token.value = null
    localStorage.removeItem(KEY)
  }

  // Another tab signed in or out: this one follows.
  window.addEventListener('storage', (event) => {
    if (event.key === KEY) token.value = event.newValue
  })

  return { token, isSignedIn, begin, end }
})
