import autocannon from 'autocannon'

export const connections = 64

type Headers = Readonly<Record<string, string>>

export interface Load {
  readonly answered: number
  readonly perSecond: number
}

/**
 * As many requests as are answered.
 * @throws Error when one was answered with another status than 2xx, or not at all
 */
export async function measureLoad(url: string, headers: readonly Headers[], duration: number): Promise<Load> {
  const hands = deal(headers)
  const run = autocannon({
    url,
    connections,
    duration: duration / 1_000,
    sampleInt: 10,
    setupClient: (client) => client.setRequests(hands.pop()!),
  })
  // Its own duration begins before it has built the requests, and is rounded.
  let start = performance.now()
  run.once('start', () => (start = performance.now()))
  const { '2xx': answered, non2xx, errors, statusCodeStats } = await run
  const seconds = (performance.now() - start) / 1_000
  if (non2xx + errors > 0)
    throw new Error(`${url}: ${errors} requests failed, the others by status: ${JSON.stringify(statusCodeStats)}`)
  return { answered, perSecond: answered / seconds }
}

/** All credentials in random order, some for each connection, which goes round and round them. */
function deal(headers: readonly Headers[]): { headers: Headers }[][] {
  const shuffled = headers.map((item) => ({ item, order: Math.random() })).toSorted((a, b) => a.order - b.order)
  const hands = Array.from({ length: connections }, (): { headers: Headers }[] => [])
  for (const [place, { item }] of shuffled.entries()) hands[place % connections]!.push({ headers: item })
  return hands
}
