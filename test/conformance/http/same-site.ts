import { beforeAll, describe, expect, test } from 'vitest'
import { logInByCookie } from './cookies.js'
import { stageFor, type FrameworkHarness } from './harness.js'
import { cookiesFor } from './send.js'

type Headers = readonly (readonly [string, string])[]

const json = ['Content-Type', 'application/json'] as const
const custom = ['X-Requested-With', 'fetch'] as const
const friend = ['Origin', 'https://friend.example'] as const
const form = ['Content-Type', 'application/x-www-form-urlencoded'] as const

/** What a request with cookies has of headers, and whether it is taken. `{own}` stands for the server's host. */
const rows: [string, Headers, boolean][] = [
  ['a page of this origin, with a header that no form sends', [['Sec-Fetch-Site', 'same-origin'], custom], true],
  ['a page of this origin, as JSON', [['Sec-Fetch-Site', 'same-origin'], json], true],
  [
    'a page of this origin, as JSON of a kind',
    [
      ['Sec-Fetch-Site', 'same-origin'],
      ['Content-Type', 'application/merge-patch+json; charset=utf-8'],
    ],
    true,
  ],
  ['the user’s own doing', [['Sec-Fetch-Site', 'none'], custom], true],
  ['a form of this origin', [['Sec-Fetch-Site', 'same-origin'], form], false],
  [
    'a page of this origin, as plain text',
    [
      ['Sec-Fetch-Site', 'same-origin'],
      ['Content-Type', 'text/plain'],
    ],
    false,
  ],
  [
    'a page of this origin, as plain text that names JSON',
    [
      ['Sec-Fetch-Site', 'same-origin'],
      ['Content-Type', 'text/plain; application/json'],
    ],
    false,
  ],
  ['a page of this origin, of no type', [['Sec-Fetch-Site', 'same-origin']], false],
  ['a neighbouring host', [['Sec-Fetch-Site', 'same-site'], custom, ['Origin', 'https://evil.issuer.example']], false],
  ['another site', [['Sec-Fetch-Site', 'cross-site'], json, ['Origin', 'https://evil.example']], false],
  ['another site that claims nothing of itself', [['Sec-Fetch-Site', 'cross-site'], json], false],
  ['another site that says it is here', [['Sec-Fetch-Site', 'cross-site'], json, ['Origin', 'http://{own}']], false],
  ['a form of another site', [['Sec-Fetch-Site', 'cross-site'], form, ['Origin', 'https://evil.example']], false],
  ['something unheard of', [['Sec-Fetch-Site', 'same-galaxy'], json], false],
  ['an allowed origin of another site', [['Sec-Fetch-Site', 'cross-site'], json, friend], true],
  ['an allowed origin next door', [['Sec-Fetch-Site', 'same-site'], custom, friend], true],
  ['a form of an allowed origin', [['Sec-Fetch-Site', 'cross-site'], form, friend], false],
  ['an old browser on a page of this origin', [json, ['Origin', 'http://{own}']], true],
  ['an old browser behind a proxy that ends TLS', [json, ['Origin', 'https://{own}']], true],
  ['an old browser on an allowed page', [custom, friend], true],
  ['an old browser on another site', [json, ['Origin', 'https://evil.example']], false],
  ['an old browser on another port', [json, ['Origin', 'http://127.0.0.1:1']], false],
  ['a page without an origin', [json, ['Origin', 'null']], false],
  ['an origin that begins like an allowed one', [json, ['Origin', 'https://friend.example.evil.example']], false],
  ['two origins', [json, ['Origin', 'https://friend.example https://evil.example']], false],
  ['nobody knows whom, without Origin and metadata', [json, custom], false],
  ['nobody knows whom, with a Referer', [json, ['Referer', 'http://{own}/']], false],
]

export function describeSameSite(harness: FrameworkHarness): void {
  describe('a request with cookies that changes something', () => {
    const stage = stageFor(harness, {
      options: { from: 'either', allowedOrigins: ['https://friend.example'] },
    })
    let cookies: string
    let refreshCookies: string
    let userId: string
    beforeAll(async () => {
      const login = await logInByCookie(stage())
      const path = '/auth/refresh'
      ;[cookies, refreshCookies] = [cookiesFor('/guarded', login.cookies), cookiesFor(path, login.cookies)]
      userId = (await stage().send({ route: 'GET /guarded', cookies })).json.userId as string
    })

    const own = (headers: Headers): Headers =>
      headers.map(([name, value]) => [name, value.replace('{own}', new URL(stage().url).host)])

    const summaryOf = async (route: string, headers: Headers, cookies?: string): Promise<string> => {
      const body = headers.some(([, value]) => value.includes('json')) ? '{}' : 'a=b'
      return (await stage().send({ route, headers, cookies, body })).summary
    }

    test.each(rows)('from %s (%j) is taken: %s (ASVS 3.5.1, 3.5.2)', async (_, given, isTaken) => {
      const headers = own(given)
      const expected = isTaken ? '200' : '403 cross_site_request'
      const reached = stage().reached()
      expect(await summaryOf('POST /guarded', headers, cookies)).toBe(expected)
      expect(stage().reached() - reached).toBe(isTaken ? 1 : 0)
      expect(await summaryOf('POST /auth/refresh', headers, refreshCookies)).toBe(expected)
      // Else another site could log its visitors in as somebody else.
      expect(await summaryOf(`POST /login?as=${stage().name({ userId, mode: 'cookie' })}`, headers)).toBe(expected)
    })

    test('logs nobody out from another site, by whichever route', async () => {
      const { json } = await stage().send({ route: 'GET /guarded', cookies })
      const headers: Headers = [['Sec-Fetch-Site', 'cross-site'], ['Origin', 'https://evil.example'], form]
      for (const route of [
        'POST /auth/logout',
        'POST /auth/logout-others',
        'POST /auth/logout-everywhere',
        `DELETE /auth/sessions/${json.sid}`,
        `PATCH /auth/sessions/${json.sid}`,
      ]) {
        const answer = await stage().send({ route, headers, cookies })
        expect([route, answer.summary, answer.cookies]).toEqual([route, '403 cross_site_request', []])
      }
      expect((await stage().send({ route: 'GET /guarded', cookies })).status).toBe(200)
    })

    test('needs no such header where its method takes a preflight anyway', async () => {
      const { sid } = (await stage().send({ route: 'GET /guarded', cookies })).json
      const headers: Headers = [['Sec-Fetch-Site', 'same-origin']]
      const other = await stage().logIn({ userId })
      const gone = await stage().send({ route: `DELETE /auth/sessions/${other.session.sid}`, headers, cookies })
      expect([gone.status, sid]).toEqual([204, expect.any(String)])
    })

    test('is taken by header from anywhere: what another site can’t read it can’t send', async () => {
      const { accessToken: token } = await stage().logIn()
      const headers: Headers = [
        ['Sec-Fetch-Site', 'cross-site'],
        ['Origin', 'https://evil.example'],
      ]
      expect((await stage().send({ route: 'POST /guarded', headers, token })).status).toBe(200)
    })

    test('is not what a GET is: that may come from anywhere, and changes nothing (ASVS 3.5.3)', async () => {
      const headers: Headers = [['Sec-Fetch-Site', 'cross-site']]
      expect((await stage().send({ route: 'GET /guarded', headers, cookies })).status).toBe(200)
      for (const name of ['logout', 'logout-others', 'logout-everywhere', 'refresh']) {
        const answer = await stage().send({ route: `GET /auth/${name}`, headers, cookies: refreshCookies })
        expect([answer.summary, answer.headers['allow']]).toEqual(['405 method_not_allowed', 'POST'])
      }
    })
  })

  describe('where forms may send cookies', () => {
    const stage = stageFor(harness, { options: { from: 'cookie', allowForms: true }, parsesBodies: true })

    test('one of this origin is taken, and still none of another site', async () => {
      const cookies = cookiesFor('/guarded', (await logInByCookie(stage())).cookies)
      const send = async (site: string): Promise<string> =>
        (
          await stage().send({
            route: 'POST /guarded',
            headers: [['Sec-Fetch-Site', site], form],
            cookies,
            body: 'a=b',
          })
        ).summary
      expect([await send('same-origin'), await send('same-site'), await send('cross-site')]).toEqual([
        '200',
        '403 cross_site_request',
        '403 cross_site_request',
      ])
      const login = await stage().send({
        route: `POST /login?as=${stage().name({ userId: 'former' })}`,
        headers: [['Sec-Fetch-Site', 'same-origin'], form],
        body: 'user=former',
      })
      expect([login.status, login.cookies.length]).toEqual([200, 3])
      const out = await stage().send({
        route: 'POST /auth/logout',
        headers: [['Sec-Fetch-Site', 'same-origin'], form],
        cookies: cookiesFor('/auth/logout', login.cookies),
        body: 'go=1',
      })
      expect(out.status).toBe(204)
      expect(await stage().sessions.list('former')).toEqual([])
    })
  })
}
