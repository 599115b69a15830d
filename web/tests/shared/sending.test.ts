import { describe, expect, it, vi } from 'vitest'

import { Problem } from '@/api/problem'
import { mayPass, newKey, sendUntilAnswered, useSending, waitBefore } from '@/shared/sending'

const refused = (status: number, code = 'refused') => new Problem({ code, status })
const rhythm = () => ({ wait: vi.fn(() => Promise.resolve()), onWaiting: vi.fn() })

describe('what is sent', () => {
  it.each([
    [Problem.ofNetwork(), true],
    [refused(503), true],
    [refused(429), true],
    [refused(409, 'still_being_done'), true],
    [refused(409), false],
    [refused(422), false],
    [new TypeError('a mistake of ours'), false],
  ])('%s is tried again: %s', (failure, again) => {
    expect(mayPass(failure)).toBe(again)
  })

  it('goes through once the network is back', async () => {
    const send = vi.fn().mockRejectedValueOnce(Problem.ofNetwork()).mockRejectedValueOnce(refused(502)).mockResolvedValue('ok')
    const { wait, onWaiting } = rhythm()
    expect(await sendUntilAnswered(send, { wait, onWaiting })).toBe('ok')
    expect(wait.mock.calls).toEqual([[waitBefore(1)], [waitBefore(2)]])
    expect(onWaiting).toHaveBeenCalledTimes(2)
  })

  it('is not tried again when the hub says no', async () => {
    const send = vi.fn().mockRejectedValue(refused(409))
    await expect(sendUntilAnswered(send, rhythm())).rejects.toMatchObject({ status: 409 })
    expect(send).toHaveBeenCalledTimes(1)
  })

  it('ends some time, and waits no longer than a quarter of a minute between', async () => {
    const send = vi.fn().mockRejectedValue(Problem.ofNetwork())
    const { wait, onWaiting } = rhythm()
    await expect(sendUntilAnswered(send, { wait, onWaiting })).rejects.toMatchObject({ code: 'network' })
    expect(wait.mock.calls.length).toBeGreaterThan(10)
    expect(Math.max(...Array.from({ length: 40 }, (_, index) => waitBefore(index + 1)))).toBe(15_000)
  })

  it('has a key that the hub takes, and each thing its own', () => {
    expect(newKey()).toMatch(/^[0-9a-f]{32}$/)
    expect(newKey()).not.toBe(newKey())
  })
})

describe('one sending of a page', () => {
  it('repeats under the same key until it was answered, and then takes another', async () => {
    vi.useFakeTimers()
    const keys: string[] = []
    const failure = [Problem.ofNetwork(), Problem.ofNetwork()]
    const post = (headers: { 'Idempotency-Key': string }) => {
      keys.push(headers['Idempotency-Key'])
      const problem = failure.shift()
      return problem ? Promise.reject(problem) : Promise.resolve('ok')
    }
    const { send, isWaiting } = useSending()
    const first = send('the same', post)
    await vi.advanceTimersByTimeAsync(10)
    expect(isWaiting.value).toBe(true)
    window.dispatchEvent(new Event('online'))
    await vi.advanceTimersByTimeAsync(waitBefore(2))
    expect(await first).toBe('ok')
    expect(await send('the same', post)).toBe('ok')
    expect([new Set(keys.slice(0, 3)).size, new Set(keys).size]).toEqual([1, 2])
    vi.useRealTimers()
  })

  it('keeps the refusal for its page, and sends nothing twice at once', async () => {
    const { send, problem, isSending } = useSending()
    const post = vi.fn().mockRejectedValue(refused(422, 'work_incomplete'))
    const both = await Promise.all([send('it', post), send('it', post)])
    expect(both).toEqual([null, null])
    expect(post).toHaveBeenCalledTimes(1)
    expect(problem.value).toMatchObject({ code: 'work_incomplete' })
    expect(isSending.value).toBe(false)
  })
})
