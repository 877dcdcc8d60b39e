import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { routes } from './pages.js'

/** What `GET` of a path of the page is answered. */
export interface PageAnswer {
  readonly headers: Record<string, string>
  readonly body: string | Buffer<ArrayBuffer>
}

/** A header of the request. */
export type ReadHeader = (name: 'accept' | 'accept-encoding') => string | undefined

/** By path: the page and all its files, read at the start. */
export type PageFiles = Readonly<Record<string, (header: ReadHeader) => PageAnswer>>

// The compiled file is in another folder than its source, so the package itself is asked where it is.
const root = import.meta.resolve('rollcall/package.json')
const sources = new URL('demo/page/', root)

/** Under which path of the server the modules of a folder are found. */
const mounts = [
  { path: '/page/', folder: new URL('dist/demo/page/', root) },
  { path: '/rollcall/', folder: new URL('dist/src/', root) },
] as const

/** What the scripts import by name; the import map of the page says the same. */
const entries = ['/page/main.js', '/rollcall/client/index.js']

/** @throws Error before `npm run build` */
export async function openPageFiles(): Promise<PageFiles> {
  const [html, css, modules] = await Promise.all([
    readFile(new URL('index.html', sources), 'utf8'),
    readFile(new URL('style.css', sources), 'utf8'),
    readModules(),
  ])
  const page = describe('text/html', html, {
    Vary: 'Accept, Accept-Encoding',
    'Content-Security-Policy': makePolicy(html),
  })
  // Who does not ask for a page, such as curl, is told the routes.
  const listing = describe('application/json', JSON.stringify({ routes }), { Vary: 'Accept, Accept-Encoding' })
  const scripts = Array.from(modules, ([path, text]) => [path, describe('text/javascript', text)] as const)
  return {
    '/': (header) => (header('accept')?.includes('text/html') ? page : listing)(header),
    '/page/style.css': describe('text/css', css),
    ...Object.fromEntries(scripts),
  }
}

/** The modules of the page and all that they import, by path. */
async function readModules(): Promise<ReadonlyMap<string, string>> {
  const modules = new Map<string, string>()
  for (const path of findPaths()) modules.set(path, await readModule(path))
  return modules

  function* findPaths(): Generator<string> {
    const waiting = new Set(entries)
    for (const path of waiting) {
      yield path
      for (const [, specifier] of modules.get(path)!.matchAll(/(?:from |import |import\()'(\.[^']+)'/g))
        waiting.add(new URL(specifier!, `file://${path}`).pathname)
    }
  }
}

async function readModule(path: string): Promise<string> {
  const mount = mounts.find((mount) => path.startsWith(mount.path))
  if (mount === undefined) throw new Error(`the page imports ${path}, which is not served`)
  return readFile(new URL(path.slice(mount.path.length), mount.folder), 'utf8').catch((error: unknown) => {
    throw new Error("the page's scripts can't be read: npm run build makes them", { cause: error })
  })
}

function describe(
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): (header: ReadHeader) => PageAnswer {
  const headers = {
    'Content-Type': type === 'application/json' ? type : `${type}; charset=utf-8`,
    'Cache-Control': 'no-cache',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    Vary: 'Accept-Encoding',
    ...more,
  }
  const packed = Buffer.from(gzipSync(body))
  return (header) =>
    /\bgzip\b/.test(header('accept-encoding') ?? '')
      ? { headers: { ...headers, 'Content-Encoding': 'gzip' }, body: packed }
      : { headers, body }
}

function makePolicy(html: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${hashImportMap(html)}`,
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** The one script that is in the page itself. */
function hashImportMap(html: string): string {
  const [, text = ''] = /<script type="importmap">(.*?)<\/script>/s.exec(html) ?? []
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
