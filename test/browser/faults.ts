import type { IncomingMessage, ServerResponse } from 'node:http'

/** What goes wrong between the server and the browser; each for the next answer of one route. */
export interface Faults {
  /** The server does what it is asked, and the connection breaks before its answer. */
  lose(route: string): Lost
  /** The server does what it is asked, and its answer waits. */
  hold(route: string): Held
  /** Answered in the server's place, until `heal`. */
  refuse(route: string, status: number, code: string): void
  /** Until `heal`, no browser keeps a cookie of this server. */
  stripCookies(): void
  heal(): void
}

export interface Lost {
  /** Resolves when it is lost. */
  readonly happened: Promise<void>
}

export interface Held {
  /** Resolves when the server has its answer ready. */
  readonly reached: Promise<void>
  /** Sends it, if somebody is there to take it. */
  release(): void
}

interface Meeting extends Faults {
  /** Runs the server's handler for this request, with what is to go wrong. */
  meet(route: string, request: IncomingMessage, response: ServerResponse, handle: () => void): Promise<void>
}

/** Called when the answer is ready; resolves when it may go, to whether it does. */
type Fate = () => Promise<'goes' | 'is lost'>

export function createFaults(): Meeting {
  const fates = new Map<string, Fate[]>()
  const refusals = new Map<string, { readonly status: number; readonly code: string }>()
  let areCookiesStripped = false

  function plan(route: string, fate: Fate): void {
    fates.set(route, [...(fates.get(route) ?? []), fate])
  }

  return {
    lose(route) {
      const { promise, resolve } = deferred()
      plan(route, async () => {
        resolve()
        return 'is lost'
      })
      return { happened: promise }
    },
    hold(route) {
      const reached = deferred()
      const released = deferred()
      plan(route, async () => {
        reached.resolve()
        await released.promise
        return 'goes'
      })
      return { reached: reached.promise, release: released.resolve }
    },
    refuse: (route, status, code) => void refusals.set(route, { status, code }),
    stripCookies: () => void (areCookiesStripped = true),
    heal() {
      refusals.clear()
      areCookiesStripped = false
    },
    async meet(route, request, response, handle) {
      const refusal = refusals.get(route)
      if (refusal) {
        const headers = { 'Content-Type': 'application/json', 'Retry-After': '1' }
        response.writeHead(refusal.status, headers).end(JSON.stringify({ code: refusal.code, message: 'refused' }))
        return
      }
      if (areCookiesStripped) dropCookies(response)
      const fate = fates.get(route)?.shift()
      if (fate) delay(request, response, fate)
      handle()
    },
  }
}

/** The whole answer stays in this process until its fate is known. */
function delay({ socket }: IncomingMessage, response: ServerResponse, fate: Fate): void {
  const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse
  socket.cork()
  response.end = ((...given: unknown[]) => {
    void fate().then((how) => {
      if (how === 'is lost') return socket.destroy()
      end(...given)
      return socket.uncork()
    })
    return response
  }) as ServerResponse['end']
}

function dropCookies(response: ServerResponse): void {
  const writeHead = response.writeHead.bind(response) as (...given: unknown[]) => ServerResponse
  response.writeHead = ((status: number, ...given: unknown[]) => {
    const headers = given.map((one) =>
      typeof one === 'object' && one !== null
        ? Object.fromEntries(Object.entries(one).filter(([name]) => name.toLowerCase() !== 'set-cookie'))
        : one,
    )
    return writeHead(status, ...headers)
  }) as ServerResponse['writeHead']
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}
