export interface Device {
  readonly sid: string
  readonly accessToken: string
  readonly refreshToken: string
}

/** What a refresh was answered, of a shape the test knows. */
export interface RefreshAnswer {
  readonly status: number
  readonly outcome?: string
  readonly code?: string
  readonly accessToken: string
  readonly refreshToken: string
}

/** What a client sees of a demo server that it reaches over the network. */
export interface DemoClient {
  /** The status, or the code of a refusal behind it: `200`, `401 session_ended`. */
  call(route: string, token?: string): Promise<string>
  body(route: string, token?: string): Promise<unknown>
  tryLogIn(username?: string): Promise<string>
  /** Logs in with the device's name. */
  logIn(name: string, username?: 'alice' | 'bob'): Promise<Device>
  refresh(refreshToken: string): Promise<RefreshAnswer>
  /** What came of it alone: `200 rotated`, `401 session_ended`. */
  tryRefresh(refreshToken: string): Promise<string>
}

const passwords: Readonly<Record<string, string>> = { alice: 'wonderland', bob: 'builder' }

export function createClient(url: string): DemoClient {
  function request(route: string, token?: string): Promise<Response> {
    const [method = '', path = ''] = route.split(' ')
    return fetch(url + path, { method, ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }) })
  }

  function post(path: string, body: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' }
    return fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  function postLogin(username: string, name: string): Promise<Response> {
    return post('/login', { username, password: passwords[username], device: { name } })
  }

  async function refresh(refreshToken: string): Promise<RefreshAnswer> {
    const response = await post('/auth/refresh', { refreshToken })
    return { ...((await response.json()) as RefreshAnswer), status: response.status }
  }

  return {
    call: async (route, token) => summarize(await request(route, token)),
    body: async (route, token) => (await request(route, token)).json(),
    tryLogIn: async (username = 'alice') => summarize(await postLogin(username, 'phone')),
    async logIn(name, username = 'alice') {
      const response = await postLogin(username, name)
      if (response.status !== 200) throw new Error(`the login failed: ${await response.text()}`)
      const { session, ...tokens } = (await response.json()) as Device & { session: { sid: string } }
      return { accessToken: tokens.accessToken, refreshToken: tokens.refreshToken, sid: session.sid }
    },
    refresh,
    async tryRefresh(refreshToken) {
      const { status, outcome, code } = await refresh(refreshToken)
      return `${status} ${outcome ?? code}`
    },
  }
}

async function summarize(response: Response): Promise<string> {
  const text = await response.text()
  if (response.status < 400) return String(response.status)
  const { code } = JSON.parse(text) as { code: string }
  return `${response.status} ${code}`
}
