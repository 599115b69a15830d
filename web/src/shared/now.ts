import { onScopeDispose, readonly, type Ref, ref } from 'vue'

import { SECOND_MS } from './time'

/**
 * The present moment in ms, moving by itself: `everyMs` apart, one timer a beat for the whole page.
 * Relative times take the slow beat; deadlines of a rescue take one second.
 */
export function useNow(everyMs: number = 15 * SECOND_MS): Readonly<Ref<number>> {
  const beat = beats.get(everyMs) ?? startBeat(everyMs)
  beat.users += 1
  onScopeDispose(() => {
    beat.users -= 1
    if (beat.users > 0) return
    clearInterval(beat.timer)
    beats.delete(everyMs)
  })
  return readonly(beat.now)
}

interface Beat {
  now: Ref<number>
  timer: ReturnType<typeof setInterval>
  users: number
}

const beats = new Map<number, Beat>()

function startBeat(everyMs: number): Beat {
  const now = ref(Date.now())
  const beat: Beat = { now, timer: setInterval(() => (now.value = Date.now()), everyMs), users: 0 }
  beats.set(everyMs, beat)
  return beat
}
