import { readonly, type Ref, ref } from 'vue'

/** What the hub tells an open screen: the event's name and ids only; the screen asks for the rest. */
export interface LiveEvent {
  event: string
  site_id?: string
  alarm_id?: string
  equipment_id?: string
  work_order_id?: string
  [id: string]: string | undefined
}

/** `off` before log-in; `connecting` at first; `lost` after a break, until it stands again. */
export type LiveState = 'off' | 'connecting' | 'live' | 'lost'

/** The part of EventSource that is used; tests give their own. */
export interface Source {
  onopen: ((event: Event) => void) | null
  onmessage: ((event: MessageEvent<string>) => void) | null
  onerror: ((event: Event) => void) | null
  close(): void
}

export interface LiveOptions {
  /** Opens the stream with a fresh short-lived token. */
  connect: () => Promise<Source>
  onEvent: (event: LiveEvent) => void
  /** The stream stands again after a break: whatever happened meanwhile was missed. */
  onResumed: () => void
  /** For tests; 0…1. */
  random?: () => number
}

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 30_000

/** Jittered exponential back-off: all desks of a company must not knock at the same instant after a restart. */
export function delayMs(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt)
  return ceiling / 2 + (ceiling / 2) * random
}

/** The one stream of server-sent events of this window. Reconnects by itself, each time with a new token. */
export class LiveConnection {
  readonly state: Readonly<Ref<LiveState>>
  private readonly current = ref<LiveState>('off')
  private source: Source | null = null
  private timer: ReturnType<typeof setTimeout> | null = null
  private attempt = 0
  private wasLost = false
  private generation = 0

  constructor(private readonly options: LiveOptions) {
    this.state = readonly(this.current)
  }

  start(): void {
    if (this.current.value !== 'off') return
    this.current.value = 'connecting'
    void this.open()
  }

  stop(): void {
    this.generation += 1
    this.closeSource()
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    this.attempt = 0
    this.wasLost = false
    this.current.value = 'off'
  }

  /** Tries at once, e.g. when the browser says the network is back or the user asks for it. */
  retryNow(): void {
    if (this.current.value !== 'lost') return
    if (this.timer) clearTimeout(this.timer)
    this.timer = null
    void this.open()
  }

  private async open(): Promise<void> {
    const generation = ++this.generation
    let source: Source
    try {
      source = await this.options.connect()
    } catch {
      if (generation === this.generation) this.lose()
      return
    }
    if (generation !== this.generation) {
      source.close() // stopped or restarted while the token was being fetched
      return
    }
    this.source = source
    source.onopen = () => this.stand()
    source.onmessage = (message) => this.hear(message.data)
    source.onerror = () => this.lose()
  }

  private stand(): void {
    this.attempt = 0
    this.current.value = 'live'
    if (this.wasLost) this.options.onResumed()
    this.wasLost = false
  }

  private hear(data: string): void {
    const event = parse(data)
    if (event) this.options.onEvent(event)
  }

  private lose(): void {
    // EventSource would retry with the old token, which has expired by then: close it and begin anew.
    this.closeSource()
    this.wasLost = true
    this.current.value = 'lost'
    if (this.timer) clearTimeout(this.timer)
    this.timer = setTimeout(
      () => void this.open(),
      delayMs(this.attempt++, (this.options.random ?? Math.random)()),
    )
  }

  private closeSource(): void {
    if (!this.source) return
    this.source.onopen = this.source.onmessage = this.source.onerror = null
    this.source.close()
    this.source = null
  }
}

function parse(data: string): LiveEvent | null {
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' && value !== null && 'event' in value ? (value as LiveEvent) : null
  } catch {
    return null // a proxy's noise in the stream is not an event
  }
}
