import { onBeforeUnmount, onMounted, ref, type Ref, watch } from 'vue'

/**
 * A list under the keyboard: j/k move, Enter opens, / goes to the search box, further keys act on the current row.
 * Keys typed into a field, or with a modifier, are left alone.
 */
export function useListKeys<Row>(options: {
  rows: Ref<readonly Row[]>
  open: (row: Row) => void
  also?: Record<string, (row: Row) => void>
}): { current: Ref<number> } {
  const current = ref(-1)
  watch(options.rows, (rows) => {
    if (current.value >= rows.length) current.value = rows.length - 1
  })

  function move(by: number): void {
    const last = options.rows.value.length - 1
    current.value = Math.max(0, Math.min(last, current.value + by))
    document.querySelector('.is-current')?.scrollIntoView({ block: 'nearest' })
  }

  function press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    const row = options.rows.value[current.value]
    if (event.key === 'j') move(1)
    else if (event.key === 'k') move(-1)
    else if (event.key === '/') focusSearch(event)
    else if (event.key === 'Enter' && row && event.target === document.body) options.open(row)
    else if (row) options.also?.[event.key]?.(row)
  }

  onMounted(() => document.addEventListener('keydown', press))
  onBeforeUnmount(() => document.removeEventListener('keydown', press))
  return { current }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

function focusSearch(event: KeyboardEvent): void {
  const box = document.querySelector<HTMLInputElement>('[type="search"]')
  if (!box) return
  event.preventDefault()
  box.focus()
}
