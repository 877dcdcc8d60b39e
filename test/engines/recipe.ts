import type { Place } from './place.js'
import type { Server } from './run-server.js'

/** A server binary that was run with `--version` and is what it says. */
export interface Program {
  /** The binary, after symbolic links. */
  readonly path: string
  /** What to run: the binary, or a loader and the binary. */
  readonly command: readonly [string, ...string[]]
  readonly version: string
  /** Arguments this installation needs to find its own files. */
  readonly args: readonly string[]
}

export interface Started {
  readonly url: string
  readonly server: Server
}

/** All that differs between the engines. */
export interface Recipe {
  readonly oldest: string
  readonly binaries: readonly string[]
  /** Whether the server refuses to run as root. */
  readonly requiresUser: boolean
  readonly debianPackage: string | null
  readonly image: ContainerImage | null
  /** The version in the output of `--version`, or null when the binary is something else. */
  readonly readVersion: (output: string) => string | null
  /** Prepares and starts the server in `place`; resolves once it answers. */
  readonly start: (program: Program, place: Place, postgresUrl: string | undefined) => Promise<Started>
  /** Connects and returns the version; throws when another kind of server answers. */
  readonly checkServer: (url: string) => Promise<string>
}

export interface ContainerImage {
  readonly name: string
  readonly port: number
  readonly environment: readonly string[]
  readonly args: readonly string[]
  readonly url: (port: number) => string
}
