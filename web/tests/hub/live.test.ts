import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { delayMs, LiveConnection, type LiveEvent, type Source } from '@/hub/live'

class FakeSource implements Source {
  onopen: Source['onopen'] = null
  onmessage: Source['onmessage'] = null
  onerror: Source['onerror'] = null
  isClosed = false
  close(): void {
    this.isClosed = true
  }
  open(): void {
    this.onopen?.(new Event('open'))
  }
  say(data: string): void {
    this.onmessage?.(new MessageEvent('message', { data }))
  }
  fail(): void {
    this.onerror?.(new Event('error'))
  }
}

function connection(connect?: () => Promise<Source>) {
  const sources: FakeSource[] = []
  const heard: LiveEvent[] = []
  const onResumed = vi.fn()
  const live = new LiveConnection({
    connect:
      connect ??
      (async () => {
        sources.push(new FakeSource())
        return sources.at(-1)!
      }),
    onEvent: (event) => heard.push(event),
    onResumed,
    random: () => 0,
  })
  return { live, sources, heard, onResumed }
}

describe('the live connection', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('hands on what it hears and overlooks what is no event', async () => {
    const { live, sources, heard, onResumed } = connection()
    live.start()
    await vi.advanceTimersByTimeAsync(0)
    sources[0]!.open()
    expect(live.state.value).toBe('live')
    sources[0]!.say('{"event":"AlarmRaised","alarm_id":"a"}')
    sources[0]!.say('not json')
    sources[0]!.say('[1]')
    expect(heard).toEqual([{ event: 'AlarmRaised', alarm_id: 'a' }])
    expect(onResumed).not.toHaveBeenCalled()
  })

  it('says that it is lost, comes back with a new source and has everything fetched anew', async () => {
    const { live, sources, onResumed } = connection()
    live.start()
    await vi.advanceTimersByTimeAsync(0)
    sources[0]!.open()
    sources[0]!.fail()
    expect(live.state.value).toBe('lost')
    expect(sources[0]!.isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(500)
    expect(sources).toHaveLength(2)
    sources[1]!.open()
    expect(live.state.value).toBe('live')
    expect(onResumed).toHaveBeenCalledTimes(1)
  })

  it('keeps trying, ever more slowly, while no token is to be had', async () => {
    const connect = vi.fn(() => Promise.reject(new Error('away')))
    const { live } = connection(connect)
    live.start()
    await vi.advanceTimersByTimeAsync(500 + 1000 + 2000 + 10)
    expect(connect).toHaveBeenCalledTimes(4)
    expect(live.state.value).toBe('lost')
  })

  it('tries at once when the network is back', async () => {
    const { live, sources } = connection()
    live.start()
    await vi.advanceTimersByTimeAsync(0)
    sources[0]!.fail()
    live.retryNow()
    await vi.advanceTimersByTimeAsync(0)
    expect(sources).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sources).toHaveLength(2)
  })

  it('stops for good, even while it was waiting for a token', async () => {
    const late = new FakeSource()
    let arrive: (source: Source) => void = () => undefined
    const { live } = connection(() => new Promise((resolve) => (arrive = resolve)))
    live.start()
    live.stop()
    arrive(late)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(late.isClosed).toBe(true)
    expect(live.state.value).toBe('off')
  })
})

describe('the back-off', () => {
  it('doubles up to half a minute, and chance spreads it', () => {
    expect([0, 1, 2, 3].map((attempt) => delayMs(attempt, 1))).toEqual([1000, 2000, 4000, 8000])
    expect(delayMs(30, 1)).toBe(30_000)
    expect(delayMs(3, 0)).toBe(4000)
  })
})
