import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { codeOf, describeDemo } from './open-app.js'

const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }

describeDemo((app) => {
  const open = async (path = '/'): Promise<string> => (await app.request(`GET ${path}`, { headers: browser })).text()

  /** All that a browser loads, by path: the page, its style, and every module that another one imports. */
  async function load(): Promise<ReadonlyMap<string, string>> {
    const html = await open()
    const loaded = new Map([['/', html]])
    const waiting = new Set(Array.from(html.matchAll(/(?:href|src)="(\/[^"]+)"/g), ([, path]) => path!))
    const { imports } = readImportMap(html)
    for (const path of waiting) {
      const text = await open(path)
      loaded.set(path, text)
      for (const [, specifier] of text.matchAll(/(?:from |import |import\()'([^']+)'/g))
        waiting.add(imports[specifier!] ?? new URL(specifier!, app.url + path).pathname)
    }
    return loaded
  }

  describe('GET /', () => {
    test('is a page for browsers, and the routes in JSON for everybody else', async () => {
      const page = await app.request('GET /', { headers: browser })
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
      expect(await page.text()).toContain('<title>Your devices · rollcall demo</title>')
      for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
        const listing = await app.request('GET /', { headers })
        expect([listing.status, listing.headers.get('content-type')]).toEqual([
          200,
          expect.stringMatching(/^application\/json/),
        ])
        expect(await listing.json()).toEqual({ routes: expect.arrayContaining(['POST /login']) })
      }
    })

    test('says that what it answers depends on who asks, and that it is not to be kept unasked', async () => {
      for (const headers of [{}, browser]) {
        const response = await app.request('GET /', { headers })
        expect(response.headers.get('vary')?.split(/, */)).toContain('Accept')
        expect(response.headers.get('cache-control')).toBe('no-cache')
      }
    })

    test('lets the page load nothing but its own files, and run the one script that is in it', async () => {
      const { headers } = await app.request('GET /', { headers: browser })
      const [, map = ''] = /<script type="importmap">(.*?)<\/script>/s.exec(await open()) ?? []
      const hash = createHash('sha256').update(map).digest('base64')
      expect(headers.get('content-security-policy')?.split('; ')).toEqual([
        "default-src 'none'",
        `script-src 'self' 'sha256-${hash}'`,
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ])
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
    })

    test('has no script and no style in the page that its policy would refuse', async () => {
      const html = await open()
      expect(html.match(/<script(?! type="importmap"| type="module" src="\/)/g)).toBeNull()
      expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/)
    })
  })

  describe('the files of the page', () => {
    test('are all there, with their types, and none is guessed at', async () => {
      const paths = [...(await load()).keys()].slice(1)
      expect(paths).toEqual(
        expect.arrayContaining(['/page/style.css', '/page/main.js', '/page/devices.js', '/rollcall/client/index.js']),
      )
      for (const path of paths) {
        const { status, headers } = await app.request(`GET ${path}`)
        const type = path.endsWith('.css') ? 'text/css' : 'text/javascript'
        expect([path, status, headers.get('content-type')]).toEqual([path, 200, `${type}; charset=utf-8`])
        expect(headers.get('x-content-type-options')).toBe('nosniff')
        expect(headers.get('cache-control')).toBe('no-cache')
      }
    })

    test('take less than 60 KB on their way to a browser', async () => {
      let size = 0
      for (const path of (await load()).keys()) size += (await download(app.url + path)).length
      expect(size).toBeGreaterThan(5_000)
      expect(size).toBeLessThan(60_000)
    })

    test('name no other origin', async () => {
      for (const [path, text] of await load()) {
        // A namespace is a name, and is never loaded.
        const urls = text.match(/(?:https?:)?\/\/[\w.-]+\.[a-z]{2,}[^\s'"`)]*/g) ?? []
        expect([path, urls.filter((url) => !url.startsWith('http://www.w3.org/2000/svg'))]).toEqual([path, []])
      }
    })

    test('make no markup of a text', async () => {
      for (const [path, text] of await load()) {
        if (path.startsWith('/page/'))
          expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write/)
      }
    })

    test('come as they are to who takes nothing packed', async () => {
      const { headers, length, text } = await download(`${app.url}/page/style.css`, 'identity')
      expect([headers['content-encoding'], headers.vary]).toEqual([undefined, 'Accept-Encoding'])
      const packed = await download(`${app.url}/page/style.css`)
      expect(packed.headers['content-encoding']).toBe('gzip')
      expect(packed.text).toBe(text)
      expect(packed.length).toBeLessThan(length / 2)
    })
  })

  test('no other file is served, however it is asked for', async () => {
    for (const path of [
      '/page',
      '/page/',
      '/page/nothing.js',
      '/page/index.html',
      '/page/main.ts',
      '/page/main.d.ts',
      '/rollcall/index.js',
      '/rollcall/client/../../package.json',
      '/page/../main.js',
      '/page/..%2fmain.js',
      '/page/%2e%2e/main.js',
      '/page/..\\main.js',
      '/page//main.js',
      '/page/__proto__',
      '/demo/data/keys.json',
    ]) {
      // As it is: `fetch` would tidy the path up.
      const { status, text } = await download(app.url, 'identity', path)
      // Hono's server takes a path that is not in its plain form for a bad request, and says no word.
      if (path.includes('..') && status === 400) expect([path, text]).toEqual([path, ''])
      else expect([path, status, JSON.parse(text)]).toMatchObject([path, 404, { code: 'not_found' }])
    }
  })

  test('the page and its files are only read', async () => {
    for (const route of ['POST /', 'POST /page/main.js', 'DELETE /page/style.css', 'PUT /'])
      expect(await codeOf(await app.request(route, { headers: browser }))).toBe('404 not_found')
  })
})

function readImportMap(html: string): { readonly imports: Readonly<Record<string, string>> } {
  const [, text = '{}'] = /<script type="importmap">(.*?)<\/script>/s.exec(html) ?? []
  return JSON.parse(text) as { imports: Record<string, string> }
}

interface Download {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  /** Of what was sent, in bytes. */
  readonly length: number
  readonly text: string
}

/** Like a browser on the wire: nothing is unpacked before it is measured, and `path` is sent as it is. */
function download(url: string, encoding = 'gzip, deflate, br', path?: string): Promise<Download> {
  return new Promise((resolve, reject) => {
    const headers = { ...browser, 'accept-encoding': encoding }
    const sent = httpRequest(url, { headers, ...(path !== undefined && { path }) }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('end', () => {
        const body = Buffer.concat(chunks)
        const isPacked = response.headers['content-encoding'] === 'gzip'
        const text = (isPacked ? gunzipSync(body) : body).toString()
        resolve({ status: response.statusCode, headers: response.headers, length: body.length, text })
      })
    })
    sent.once('error', reject)
    sent.end()
  })
}
