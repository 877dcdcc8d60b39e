import { describe, expect, test } from 'vitest'
import { keepLink, type KeptLink } from '../../src/outbox/bus-link.js'
import { createNews } from '../../src/outbox/news.js'
import type { Bus, BusLink, BusListener } from '../../src/ports/bus.js'
import type { SessionKey } from '../../src/ports/store.js'
import { createNodeClock, createWorld, type World } from '../support/simulated-world.js'

const heartbeat = 5_000

interface Stage {
  readonly world: World
  readonly link: KeptLink
  /** What the link told its process, with the time: `wake`, `gap`, `fault`. */
  readonly told: string[]
  readonly sent: string[]
  /** Links that were made and not closed. */
  open: number
  mode: 'well' | 'deaf' | 'refuses' | 'hangs' | 'throws'
  /** As another process, or anybody, says it. */
  say(text: string): void
  breakLink(): void
}

function open(): Stage {
  const world = createWorld(0)
  const told: string[] = []
  const sent: string[] = []
  const listeners = new Set<BusListener>()
  const bus: Bus = {
    connect(listener) {
      if (stage.mode === 'throws') throw new Error('ECONNREFUSED')
      return connect(listener)
    },
  }
  async function connect(listener: BusListener): Promise<BusLink> {
    if (stage.mode === 'refuses') throw new Error('ECONNREFUSED')
    if (stage.mode === 'hangs') await new Promise(() => {})
    listeners.add(listener)
    stage.open += 1
    return {
      send(text) {
        if (stage.mode === 'throws') throw new Error('EPIPE')
        return send(text)
      },
      async close() {
        if (listeners.delete(listener)) stage.open -= 1
      },
    }
  }
  async function send(text: string): Promise<void> {
    sent.push(text)
    await world.sleep(10)
    if (stage.mode === 'well') for (const each of listeners) each.message(text)
  }
  const tell = (what: string) => (): void => void told.push(`${what} ${world.now()}`)
  const clock = createNodeClock(world)
  const work = {
    wake: tell('wake'),
    changed: ({ userId, sid }: SessionKey) => tell(`changed ${userId} ${sid}`)(),
    devicesChanged: (userId: string) => tell(`devices ${userId}`)(),
    gap: tell('gap'),
    fault: (error: unknown) => tell(String(error).slice(7, 19))(),
    chance: () => 1,
    name: () => 'me',
  }
  const stage: Stage = {
    world,
    told,
    sent,
    open: 0,
    mode: 'well',
    link: keepLink(clock, bus, heartbeat, work),
    say: (text) => [...listeners].forEach((each) => each.message(text)),
    breakLink() {
      for (const each of listeners) each.closed(new Error('cut'))
    },
  }
  return stage
}

describe('a link to the bus', () => {
  test('is up once it hears itself, and tests itself from then on', async () => {
    const { world, link, told, sent } = open()
    expect(link.status()).toEqual({ isUp: false, lastHeard: null, lag: null, lost: 0 })
    await world.runUntil(10)
    expect(told).toEqual(['gap 10'])
    await world.runUntil(60_000)
    expect(told).toEqual(['gap 10'])
    expect(link.status()).toMatchObject({ isUp: true, lag: 10, lost: 0 })
    expect(sent).toHaveLength(12)
    expect(new Set(sent).size).toBe(12)
  })

  test('that falls silent is noticed within three heartbeats, and a new one tells of the gap', async () => {
    const stage = open()
    const { world, link, told } = stage
    await world.runUntil(20)
    stage.mode = 'deaf'
    await world.runUntil(20 + 3 * heartbeat)
    expect(told).toEqual(['gap 10', `the bus does ${10 + 3 * heartbeat}`])
    expect(link.status()).toMatchObject({ isUp: false, lost: 1 })
    stage.mode = 'well'
    await world.runUntil(60_000)
    expect(told.slice(2)).toEqual([expect.stringMatching(/^gap /)])
    expect(stage.open).toBe(1)
  })

  test.each(['refuses', 'hangs', 'deaf', 'throws'] as const)(
    'to a server that %s from the beginning is tried again, ever more slowly',
    async (mode) => {
      const stage = open()
      const { world, link, told } = stage
      stage.mode = mode
      await world.runUntil(10 * 60_000)
      expect(link.status()).toMatchObject({ isUp: false })
      const { lost } = link.status()
      expect(lost).toBeGreaterThan(10)
      expect(lost).toBeLessThan(40)
      stage.mode = 'well'
      await world.runUntil(11 * 60_000)
      expect(link.status().isUp).toBe(true)
      expect(told.at(-1)).toMatch(/^gap /)
      expect(stage.open).toBe(1)
    },
  )

  test('that ends is made anew', async () => {
    const stage = open()
    const { world, link, told } = stage
    await world.runUntil(20)
    stage.breakLink()
    await world.runUntil(1_000)
    expect(told).toEqual(['gap 10', 'cut 20', 'gap 230'])
    expect(link.status()).toMatchObject({ isUp: true, lost: 1 })
  })

  test('that throws when something is to be said ends, and throws at nobody', async () => {
    const stage = open()
    const { world, link, told } = stage
    await world.runUntil(20)
    stage.mode = 'throws'
    link.announce()
    await world.runUntil(30)
    expect(told.slice(1)).toEqual([expect.stringMatching(/EPIPE/)])
    stage.mode = 'well'
    await world.runUntil(1_000)
    expect(told.slice(2)).toEqual([expect.stringMatching(/^gap/), expect.stringMatching(/^wake/)])
  })

  test('wakes by whatever is said, but for the heartbeats of others', async () => {
    const { world, told, say } = open()
    await world.runUntil(20)
    for (const text of ['look', '', '{', 'x'.repeat(1_000_000), '\0', 'drop table', 'beat']) say(text)
    expect(told.filter((line) => line.startsWith('wake'))).toHaveLength(7)
    for (const text of ['beat you 1', 'beat me 99', 'beat me 1', 'beat  ']) say(text)
    expect(told.filter((line) => line.startsWith('wake'))).toHaveLength(7)
  })

  test('is not held alive by what others say, its own last beat among it', async () => {
    const stage = open()
    const { world, told, say, sent } = stage
    await world.runUntil(20)
    stage.mode = 'deaf'
    for (let ms = 1_000; ms <= 3 * heartbeat; ms += 1_000) {
      for (const text of ['', 'beat me 0', sent[0]!, 'look']) say(text)
      await world.runUntil(20 + ms)
    }
    expect(told.at(-1)).toMatch(/^the bus does/)
  })

  test('says much in few messages, and the last one after all that was to say', async () => {
    const { world, link, sent, told } = open()
    await world.runUntil(20)
    for (let count = 0; count < 1_000; count += 1) link.announce()
    await world.runUntil(100)
    expect(sent.filter((text) => text === 'look')).toHaveLength(2)
    link.announce()
    await world.runUntil(200)
    expect(sent.filter((text) => text === 'look')).toHaveLength(3)
    expect(told.filter((line) => line.startsWith('wake'))).toHaveLength(3)
  })

  test('names sessions that changed without an event, each once and many in a message', async () => {
    const { world, link, sent, told } = open()
    await world.runUntil(20)
    const userIds = ['alice', 'ålice/ \n', '%41', '\u{1F4A9}'.repeat(60)]
    for (const userId of userIds.concat(userIds)) link.announceChange({ userId, sid: 's-1' })
    link.announce()
    await world.runUntil(100)
    expect(told.slice(1)).toEqual([
      ...userIds.slice(0, 1).map((userId) => `changed ${userId} s-1 30`),
      ...userIds.slice(1).map((userId) => `changed ${userId} s-1 40`),
      // Changed again after it had been said.
      'changed alice s-1 40',
      'wake 40',
    ])
    expect(sent.filter((text) => !text.startsWith('beat'))).toHaveLength(2)
  })

  test('sends messages that a NOTIFY of Postgres can carry', async () => {
    const { world, link, sent, told } = open()
    await world.runUntil(20)
    for (let count = 0; count < 1_000; count += 1)
      link.announceChange({ userId: `${'\u{1F4A9}'.repeat(60)}${count}`, sid: 'x'.repeat(64) })
    await world.runUntil(60_000)
    expect(told.filter((line) => line.startsWith('changed'))).toHaveLength(1_000)
    for (const text of sent) expect(Buffer.byteLength(text)).toBeLessThan(8_000)
  })

  test('says what came up while it was down, or was lost on the way, once it is up again', async () => {
    const stage = open()
    const { world, link, told } = stage
    await world.runUntil(20)
    stage.mode = 'deaf'
    link.announceChange({ userId: 'on the way', sid: 's' })
    await world.runUntil(25)
    stage.breakLink()
    stage.mode = 'refuses'
    link.announce()
    for (let count = 0; count < 100; count += 1) link.announceChange({ userId: `user-${count}`, sid: 's' })
    await world.runUntil(60_000)
    stage.mode = 'well'
    expect(told.filter((line) => /^(wake|changed)/.test(line))).toEqual([])
    await world.runUntil(3 * 60_000)
    expect(told.filter((line) => line.startsWith('wake'))).toHaveLength(1)
    const changed = told.filter((line) => line.startsWith('changed')).map((line) => line.replace(/ s \d+$/, ''))
    expect(new Set(changed)).toEqual(
      new Set(['changed on the way', ...Array.from({ length: 100 }, (_, count) => `changed user-${count}`)]),
    )
  })

  test('lets go of the oldest of what it can not say for long', () => {
    const news = createNews()
    for (let count = 0; count < 20_000; count += 1) news.add([`user-${count}/s`])
    const taken: string[] = []
    for (let items = news.take(); items.length > 0; items = news.take()) taken.push(...items)
    expect(taken).toHaveLength(10_000)
    expect(taken.at(-1)).toBe('user-19999/s')
  })

  test.each([
    ['alice/s', ['changed alice s']],
    ['alice/s look', ['changed alice s', 'wake']],
    ['alice/s bob/t/u', ['changed alice s', 'wake']],
    ['%ZZ/s', ['wake']],
    ['a%2Fb/ look alice/s', ['changed alice s', 'devices a/b', 'wake']],
    ['/s', ['wake']],
    ['a%00b/s', ['wake']],
    [`alice/${'s'.repeat(65)}`, ['wake']],
    [`${'a'.repeat(256)}/s`, ['wake']],
    ['alice/s '.repeat(100_000), ['wake']],
  ])('takes %j, whoever sent it, for no more than a reason to read', async (text, expected) => {
    const { world, told, say } = open()
    await world.runUntil(20)
    say(text)
    expect(told.slice(1)).toEqual(expected.map((line) => `${line} 20`))
  })

  test('leaves nothing behind when it is closed, in whatever state', async () => {
    for (const mode of ['well', 'deaf', 'refuses'] as const) {
      const stage = open()
      stage.mode = mode
      await stage.world.runUntil(20)
      await stage.link.close()
      const before = stage.sent.length
      await stage.world.runUntil(10 * 60_000)
      expect(stage).toMatchObject({ open: 0, sent: { length: before } })
      expect(stage.link.status().isUp).toBe(false)
    }
  })
})
