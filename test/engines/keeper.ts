import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** What a keeper looks after; null where there is none. */
export interface Kept {
  readonly folder: string | null
  /** A system user, which the keeper also makes. */
  readonly user: string | null
  readonly container: string | null
}

export interface UserIds {
  readonly uid: number
  readonly gid: number
}

export interface Keeper {
  readonly ids: UserIds | null
  /** Names the process to end with its group, instead of the one named before; null when it has ended by itself. */
  readonly watch: (signal: NodeJS.Signals, pid: number | null) => void
  /** Ends the process and removes what is kept; rejects when something stays. */
  readonly close: () => Promise<void>
}

// The keeper waits in a process of its own for the end of its standard input. That end comes when `close` is called and
// also when this process dies in any way, even by SIGKILL, so there is one way to clean up and it can't be missed.
const script = `
trap '' PIPE # the parent may die before it has read a line
folder=$1 user=$2 container=$3 signal= pid=
attempt() { # runs a command until it succeeds, for 10 s at most
  tries=0
  until "$@"; do tries=$((tries + 1)); [ "$tries" -lt 200 ] || return 1; sleep 0.05; done
}
# Both fail while another useradd or userdel holds the lock of /etc/passwd.
user_added() { problem=$(useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$user" 2>&1); }
user_removed() { userdel --force "$user" 2>/dev/null || ! id "$user" >/dev/null 2>&1; }
# When the parent is dead init must reap the server, and some take seconds to do so: a zombie has ended too.
has_ended() {
  ! kill -s 0 -- "-$pid" 2>/dev/null && return
  processes=$(ps -A -o pgid= -o stat= 2>/dev/null) && ! echo "$processes" | grep -q "^ *$pid  *[^Z ]"
}
if [ -n "$user" ]; then
  attempt user_added || { echo "$problem"; exit 1; }
  echo "$(id -u "$user") $(id -g "$user")"
else
  echo no user
fi
while read -r next_signal next_pid; do signal=$next_signal pid=$next_pid; done
if [ -n "$pid" ]; then
  kill -s "$signal" "$pid" 2>/dev/null
  attempt has_ended || kill -s KILL -- "-$pid"
fi
[ -z "$container" ] || docker rm --force --volumes "$container" >/dev/null 2>&1
[ -z "$folder" ] || attempt rm -rf -- "$folder" || exit 1
[ -z "$user" ] || attempt user_removed || exit 1
`

export async function startKeeper({ folder, user, container }: Kept): Promise<Keeper> {
  const args = ['-c', script, 'rollcall-test-keeper', folder ?? '', user ?? '', container ?? '']
  // A session of its own: Ctrl-C in the terminal must not end it before its work.
  const keeper = spawn('sh', args, { cwd: '/', detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = once(keeper, 'exit')
  const [line] = (await once(keeper.stdout.setEncoding('utf8'), 'data')) as [string]
  const [, uid, gid] = /^(\d+) (\d+)$/m.exec(line) ?? []
  if (user !== null && uid === undefined) throw new Error(`no user could be added: ${line.trim()}`)
  keeper.stdout.destroy()
  keeper.unref()
  return {
    ids: uid === undefined ? null : { uid: Number(uid), gid: Number(gid) },
    watch: (signal, pid) => {
      keeper.stdin.write(pid === null ? '\n' : `${signal.replace('SIG', '')} ${pid}\n`)
    },
    close: async () => {
      keeper.ref()
      keeper.stdin.end()
      const [code] = (await ended) as [number | null]
      if (code !== 0) throw new Error(`not all removed: folder ${folder}, user ${user}, container ${container}`)
    },
  }
}
