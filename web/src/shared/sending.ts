import { computed, ref } from 'vue'

import { Problem } from '@/api/problem'

/**
 * What is sent from a basement: once, whatever the network does. Each sending carries a key of its own, under which the
 * hub answers a repetition with its first answer; what may pass is tried again by itself, under the same key.
 */

const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 15_000
/** Then the person is asked: five minutes of trying. */
const MOST_TRIES = 24

/** Whether the same request may go through later: the network was away, the hub failed or is still at it. */
export function mayPass(failure: unknown): boolean {
  return failure instanceof Problem && (failure.isPassing || failure.code === 'still_being_done')
}

export function waitBefore(attempt: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1))
}

interface Rhythm {
  /** Returns after so long, or at once when the network is back. */
  wait(ms: number): Promise<void>
  /** Called with each failure that is tried again. */
  onWaiting(): void
}

/** The answer to `send`, tried again while it may pass. Throws the refusal, or the last failure when it stays. */
export async function sendUntilAnswered<T>(send: () => Promise<T>, { wait, onWaiting }: Rhythm): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send()
    } catch (failure) {
      if (!mayPass(failure) || attempt >= MOST_TRIES) throw failure
      onWaiting()
      await wait(waitBefore(attempt))
    }
  }
}

function untilOnline(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer)
      window.removeEventListener('online', go)
      resolve()
    }
    const timer = setTimeout(go, ms)
    window.addEventListener('online', go)
  })
}

/** A key of an `Idempotency-Key` header. `randomUUID` is missing where a page came without TLS. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** How one thing of a page is sent: whether it is under way, waits for the network, or was refused and why. */
export function useSending() {
  const isSending = ref(false)
  const isWaiting = ref(false)
  const problem = ref<unknown>(null)
  let pending: { what: string; key: string } | null = null

  /**
   * The answer, or null when it was refused (`problem` says why). `what` says what is sent: the same thing again, after
   * a failure that stayed, goes under the same key.
   */
  async function send<T>(what: string, post: (headers: { 'Idempotency-Key': string }) => Promise<T>): Promise<T | null> {
    if (isSending.value) return null
    if (pending?.what !== what) pending = { what, key: newKey() }
    const headers = { 'Idempotency-Key': pending.key }
    isSending.value = true
    problem.value = null
    try {
      const answer = await sendUntilAnswered(() => post(headers), {
        wait: untilOnline,
        onWaiting: () => (isWaiting.value = true),
      })
      pending = null
      return answer
    } catch (failure) {
      if (!mayPass(failure)) pending = null
      problem.value = failure
      return null
    } finally {
      isSending.value = false
      isWaiting.value = false
    }
  }

  return {
    isSending: computed(() => isSending.value),
    isWaiting: computed(() => isWaiting.value),
    problem: computed(() => problem.value),
    send,
  }
}

export type Sending = ReturnType<typeof useSending>
