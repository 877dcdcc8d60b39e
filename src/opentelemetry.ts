import { metrics, type Attributes, type Histogram, type Meter } from '@opentelemetry/api'
import { isRollcallError } from './errors.js'
import { checkOptions } from './options.js'
import { systemClock } from './ports/clock.js'
import type { Sessions } from './sessions.js'
import type { SessionsStatus } from './status.js'

export interface InstrumentOptions {
  /** Default: the one named `rollcall` of the global meter provider, whenever the app sets one. */
  readonly meter?: Meter | undefined
}

/**
 * The same verbs, measured with OpenTelemetry: how long each took and how it ended, what is revoked, and what `status()`
 * tells. No attribute names a user, a session or a token. `docs/metrics.md` lists the instruments.
 * @example
 * const sessions = instrument(createSessions({ ... }))
 * @returns verbs that behave as the given ones; their `close` ends the measuring, too
 * @throws TypeError when an option is unknown
 */
export function instrument<Claims, Transaction, RefreshText extends string | null>(
  sessions: Sessions<Claims, Transaction, RefreshText>,
  options?: InstrumentOptions,
): Sessions<Claims, Transaction, RefreshText> {
  checkOptions('instrument', options, ['meter'])
  const instruments = createInstruments(sessions, options?.meter)
  const timed = createTimed(sessions, () => instruments.current().durations)
  return {
    create: timed('create', sessions.create),
    verify: timed('verify', sessions.verify, ({ source }) => ({ 'rollcall.source': source })),
    refresh: timed('refresh', sessions.refresh, ({ outcome }) => ({ 'rollcall.outcome': outcome })),
    list: timed('list', sessions.list),
    events: timed('events', sessions.events),
    rename: timed('rename', sessions.rename),
    revoke: timed('revoke', sessions.revoke),
    revokeToken: timed('revokeToken', sessions.revokeToken),
    revokeOthers: timed('revokeOthers', sessions.revokeOthers),
    revokeAll: timed('revokeAll', sessions.revokeAll),
    tokenVersion: timed('tokenVersion', sessions.tokenVersion),
    suspend: timed('suspend', sessions.suspend),
    reinstate: timed('reinstate', sessions.reinstate),
    prune: timed('prune', sessions.prune),
    on: (name, listener) => sessions.on(name, listener),
    watch: (session, listener) => sessions.watch(session, listener),
    status: () => sessions.status(),
    async close() {
      await sessions.close()
      instruments.end()
    },
  }
}

interface Instruments {
  readonly durations: Histogram
  end(): void
}

/** Made anew when the app sets its provider, since a meter that was taken before it never measures anything. */
function createInstruments(
  sessions: Pick<Sessions, 'on' | 'status'>,
  given: Meter | undefined,
): { current(): Instruments; end(): void } {
  let provider = metrics.getMeterProvider()
  let instruments = measure(sessions, given ?? provider.getMeter('rollcall'))
  return {
    current() {
      const present = metrics.getMeterProvider()
      if (given === undefined && present !== provider) {
        provider = present
        instruments.end()
        instruments = measure(sessions, provider.getMeter('rollcall'))
      }
      return instruments
    },
    end: () => instruments.end(),
  }
}

function measure(sessions: Pick<Sessions, 'on' | 'status'>, meter: Meter): Instruments {
  const ends = [observeStatus(meter, () => sessions.status()), ...countEvents(meter, sessions)]
  const durations = meter.createHistogram('rollcall.verb.duration', {
    unit: 's',
    description: 'How long a verb took until it was answered or refused',
    advice: { explicitBucketBoundaries: [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5] },
  })
  return { durations, end: () => ends.forEach((end) => end()) }
}

type Timed = <Given extends unknown[], Answer>(
  verb: string,
  call: (...given: Given) => Promise<Answer>,
  describe?: (answer: Answer) => Attributes,
) => (...given: Given) => Promise<Answer>

function createTimed(sessions: object, durations: () => Histogram): Timed {
  return (verb, call, describe) =>
    async (...given) => {
      const start = systemClock.mono()
      /** What is wrong with measuring must not become the answer. */
      const record = (attributesOf: () => Attributes | undefined): void => {
        try {
          durations().record((systemClock.mono() - start) / 1_000, { 'rollcall.verb': verb, ...attributesOf() })
        } catch {
          // The app's own meter failed, and it has ways to tell of that.
        }
      }
      let answer: Awaited<ReturnType<typeof call>>
      try {
        answer = await call.apply(sessions, given)
      } catch (error) {
        record(() => ({ 'error.type': nameOf(error) }))
        throw error
      }
      record(() => describe?.(answer))
      return answer
    }
}

/** Of an error of the app, such as of its `claims` callback, not even the name is passed on: it may hold anything. */
function nameOf(error: unknown): string {
  if (isRollcallError(error)) return error.code
  return error instanceof TypeError ? 'TypeError' : '_OTHER'
}

type Told = readonly [
  kind: 'Counter' | 'UpDownCounter' | 'Gauge',
  name: string,
  unit: string,
  description: string,
  value: (status: SessionsStatus) => number | null | undefined,
]

/** Asked for whenever the app's reader collects. */
const told: readonly Told[] = [
  ['UpDownCounter', 'tokens.kept', '{token}', 'Access tokens whose signature is kept', (s) => s.accessTokens.entries],
  ['UpDownCounter', 'tokens.size', 'By', 'About what they take in memory', (s) => s.accessTokens.bytes],
  ['Counter', 'tokens.hits', '{token}', 'Tokens that were known', (s) => s.accessTokens.hits],
  [
    'Counter',
    'tokens.misses',
    '{token}',
    'Tokens that were not known, the malformed too',
    (s) => s.accessTokens.misses,
  ],
  ['UpDownCounter', 'sessions.kept', '{session}', 'Sessions that are kept', (s) => s.sessions.entries],
  ['Gauge', 'sessions.oldest', 's', 'Age of the oldest of them', (s) => seconds(s.sessions.oldest)],
  ['Counter', 'reads.statements', '{statement}', 'Lookups that were sent', (s) => s.reads.batches],
  ['Counter', 'reads.sessions', '{session}', 'Sessions that they asked for', (s) => s.reads.keys],
  ['Counter', 'reads.failed', '{statement}', 'Lookups that failed', (s) => s.reads.failed],
  ['UpDownCounter', 'reads.in_flight', '{statement}', 'Lookups under way', (s) => s.reads.inFlight],
  ['UpDownCounter', 'reads.waiting', '{session}', 'Sessions that wait for a lookup', (s) => s.reads.waiting],
  ['Gauge', 'outbox.age', 's', 'Time since the last look that succeeded', (s) => seconds(s.outbox?.age)],
  ['Counter', 'outbox.delivered', '{event}', 'Events told here first by the reader', (s) => s.outbox?.delivered],
  ['Counter', 'outbox.failed', '{look}', 'Looks at the events that failed', (s) => s.outbox?.failed],
  ['Gauge', 'outbox.position', '{event}', 'Number of the last event that was read', (s) => s.outbox?.position],
  ['Gauge', 'bus.up', '1', 'Whether this process hears the bus', (s) => s.outbox?.bus && Number(s.outbox.bus.isUp)],
  ['Gauge', 'bus.last_heard', 's', 'Time since it did', (s) => seconds(s.outbox?.bus?.lastHeard)],
  ['Gauge', 'bus.lag', 's', 'What its last message to itself took', (s) => seconds(s.outbox?.bus?.lag)],
  ['Counter', 'bus.lost', '{link}', 'Links to the bus that ended or failed', (s) => s.outbox?.bus?.lost],
  ['Gauge', 'max_staleness', 's', 'How late a revoke may bite', (s) => s.maxStaleness / 1_000],
  ['Gauge', 'weakened', '{setting}', 'Settings that weaken a promise', (s) => s.weakened.length],
]

function seconds(ms: number | null | undefined): number | null {
  return ms == null ? null : ms / 1_000
}

/** Answers what ends it. */
function observeStatus(meter: Meter, read: () => SessionsStatus): () => void {
  const observed = told.map(([kind, name, unit, description, value]) => {
    const observable = meter[`createObservable${kind}`](`rollcall.${name}`, { unit, description })
    return { observable, value }
  })
  const observables = observed.map(({ observable }) => observable)
  const callback: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    const status = read()
    for (const { observable, value } of observed) {
      const present = value(status)
      if (present != null) result.observe(observable, present)
    }
  }
  meter.addBatchObservableCallback(callback, observables)
  return () => meter.removeBatchObservableCallback(callback, observables)
}

function countEvents(meter: Meter, { on }: Pick<Sessions, 'on'>): (() => void)[] {
  const count = (name: string, unit: string, description: string): ((attributes: Attributes) => void) => {
    const counter = meter.createCounter(`rollcall.${name}`, { unit, description })
    return (attributes) => counter.add(1, attributes)
  }
  const revoked = count(
    'revocations',
    '{event}',
    'Logouts that this process committed, of one session, the others or all',
  )
  const reused = count('reuses', '{event}', 'Spent refresh tokens that were shown')
  const failed = count('background_errors', '{error}', 'Faults that no caller waited for')
  return [
    on('revoked', ({ scope, isOwn }) => isOwn && revoked({ 'rollcall.scope': scope })),
    on('reused', ({ kind, isOwn }) => isOwn && reused({ 'rollcall.kind': kind })),
    on('error', ({ during }) => failed({ 'rollcall.during': during })),
  ]
}
