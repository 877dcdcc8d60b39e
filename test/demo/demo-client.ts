export interface Device {
  readonly sid: string
  readonly accessToken: string
}

/** What a client sees of a demo server that it reaches over the network. */
export interface DemoClient {
  /** The status, or the code of a refusal behind it: `200`, `401 session_ended`. */
  call(route: string, token?: string): Promise<string>
  body(route: string, token?: string): Promise<unknown>
  tryLogIn(username?: string): Promise<string>
  /** Logs in with the device's name. */
  logIn(name: string, username?: 'alice' | 'bob'): Promise<Device>
}

const passwords: Readonly<Record<string, string>> = { alice: 'wonderland', bob: 'builder' }

export function createClient(url: string): DemoClient {
  function request(route: string, token?: string): Promise<Response> {
    const [method = '', path = ''] = route.split(' ')
    return fetch(url + path, { method, ...(token !== undefined && { headers: { authorization: `Bearer ${token}` } }) })
  }

  function postLogin(username: string, name: string): Promise<Response> {
    const body = JSON.stringify({ username, password: passwords[username], device: { name } })
    return fetch(`${url}/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  }

  return {
    call: async (route, token) => summarize(await request(route, token)),
    body: async (route, token) => (await request(route, token)).json(),
    tryLogIn: async (username = 'alice') => summarize(await postLogin(username, 'phone')),
    async logIn(name, username = 'alice') {
      const response = await postLogin(username, name)
      if (response.status !== 200) throw new Error(`the login failed: ${await response.text()}`)
      const { accessToken, session } = (await response.json()) as { accessToken: string; session: { sid: string } }
      return { accessToken, sid: session.sid }
    },
  }
}

async function summarize(response: Response): Promise<string> {
  const text = await response.text()
  if (response.status < 400) return String(response.status)
  const { code } = JSON.parse(text) as { code: string }
  return `${response.status} ${code}`
}
