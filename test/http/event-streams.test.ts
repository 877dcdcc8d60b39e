import { beforeEach, describe, expect, test } from 'vitest'
import { createEventStreams, type EventStreams } from '../../src/http/event-streams.js'
import { sendNode, type NodeResponse } from '../../src/http/node.js'
import type { SessionKey } from '../../src/ports/store.js'
import { openStage, type Stage } from '../watch/open-watch.js'

let stage: Stage
let streams: EventStreams
let session: SessionKey
beforeEach(async () => {
  stage = await openStage()
  streams = createEventStreams(stage.sessions, { clock: stage.clock, random: (count) => new Uint8Array(count) })
  session = await logIn()
})

async function logIn(userId = 'ann'): Promise<SessionKey> {
  const { session } = await stage.sessions.create({ userId })
  return { userId, sid: session.sid }
}

const head = { method: 'GET', url: '/auth/events', headers: new Headers() }

/** Reads on and on, as a client does that is well. */
function follow(key = session): { text: string; end: Promise<string> } {
  const reader = streams.open(key, head).body!.getReader()
  const followed = { text: '', end: Promise.resolve('') }
  const read = async (): Promise<string> => {
    for (;;) {
      const part = await reader.read().catch((error: Error) => error)
      if (part instanceof Error) return part.message
      if (part.done) return 'closed'
      followed.text += new TextDecoder().decode(part.value)
    }
  }
  followed.end = read()
  return followed
}

describe('an event stream', () => {
  test('gives signs of life, all by one timer, which ends with the last of them', async () => {
    const [one, other] = [follow(), follow(await logIn('ben'))]
    await stage.pass(61_000)
    for (const { text } of [one, other]) expect(text.split('\n').filter((line) => line === ':')).toHaveLength(4)
    await Promise.all([stage.sessions.revokeAll('ann'), stage.sessions.revokeAll('ben')])
    await stage.pass(0)
    expect([streams.size, await one.end, await other.end]).toEqual([0, 'closed', 'closed'])
    await stage.pass(1_000)
    expect(stage.counts().timers).toBe(0)
  })

  test('whose client reads nothing is broken off after a while, and holds no more than was waiting', async () => {
    const body = streams.open(session, head).body!
    await stage.pass(20 * 60_000)
    expect([streams.size, stage.sessions.status().watched]).toEqual([0, 0])
    const reader = body.getReader()
    await expect(reader.read()).rejects.toThrow('the client does not read')
  })

  test('whose client reads nothing is broken off when its session ends', async () => {
    const body = streams.open(session, head).body!
    await stage.pass(0)
    for (let count = 0; count < 20; count += 1) {
      await logIn()
      await stage.pass(100)
    }
    await stage.sessions.revokeAll('ann')
    await stage.pass(0)
    expect([streams.size, stage.sessions.status().watched]).toEqual([0, 0])
    await expect(body.getReader().read()).rejects.toThrow('the client does not read')
  })

  test('that is opened again and again holds no more than twenty, however many there were', async () => {
    for (let count = 0; count < 1_000; count += 1) void follow()
    expect(streams.size).toBe(20)
    await stage.pass(0)
    const foreign = follow(await logIn('ben'))
    await stage.pass(0)
    expect([streams.size, foreign.text.includes('event: standing')]).toEqual([21, true])
    streams.close()
    expect([streams.size, await foreign.end, stage.sessions.status().watched]).toEqual([0, 'closed', 0])
  })

  test('of a session that has ended says so, and nothing else', async () => {
    await stage.sessions.revokeAll('ann')
    const { end } = follow()
    await stage.pass(0)
    expect(await end).toBe('closed')
    expect(follow().text).not.toContain('standing')
  })

  test('ends with the sessions, and tells its client to come back', async () => {
    const followed = follow()
    await stage.pass(0)
    await stage.sessions.close()
    expect(await followed.end).toBe('closed')
    expect(followed.text).toMatch(/retry: 2000\nid: closed\nevent: closed\ndata: \{\}\n\n$/)
  })

  test('that was still being checked when the server began to stop says so, and ends', async () => {
    streams.close()
    const { text, end } = follow()
    expect([text, await end, streams.size, stage.sessions.status().watched]).toEqual(['', 'closed', 0, 0])
  })
})

describe('a response of Node', () => {
  function respond(given: object): { readonly response: NodeResponse; readonly done: string[] } {
    const done: string[] = []
    const response = {
      statusCode: 0,
      shouldKeepAlive: true,
      destroyed: false,
      setHeader: () => {},
      appendHeader: () => {},
      flushHeaders: () => {},
      write: () => false,
      end: () => done.push('ended'),
      destroy: () => done.push('destroyed'),
      once: () => {},
      ...given,
    }
    return { response, done }
  }

  test('whose client takes nothing is cut off with its stream', async () => {
    const { response, done } = respond({})
    const sent = sendNode(streams.open(session, head), response)
    await stage.pass(20 * 60_000)
    await sent
    expect([done, streams.size]).toEqual([['destroyed'], 0])
  })

  test('whose client has hung up before it began watches nothing', async () => {
    await sendNode(streams.open(session, head), respond({ destroyed: true }).response)
    expect([streams.size, stage.sessions.status().watched]).toEqual([0, 0])
  })
})
