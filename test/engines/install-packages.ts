import { access } from 'node:fs/promises'
import { isRoot } from './place.js'
import { runCommand } from './run-command.js'

// Only binaries are wanted: no service may start (policy-rc.d), and Postgres gets no system cluster (createcluster.conf,
// put back after). Runs and engines take turns behind the lock.
const script = `
set -e
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d clusters=/etc/postgresql-common/createcluster.conf
put_back() {
  [ -z "$own_policy" ] || rm -f "$policy"
  [ ! -e "$clusters.rollcall" ] || mv -f "$clusters.rollcall" "$clusters"
}
trap put_back EXIT
if [ ! -e "$policy" ]; then
  own_policy=yes
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod 755 "$policy"
fi
install() { apt-get -qq -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@" </dev/null; }
install_updated() { install "$@" || { apt-get -qq update && install "$@"; }; }
if [ "$1" = postgresql ]; then
  install_updated postgresql-common
  cp -p "$clusters" "$clusters.rollcall"
  echo 'create_main_cluster = false' >>"$clusters"
fi
install_updated "$1"
`

/** Installs a package with apt-get. Throws where this machine isn't a Debian run by root. */
export async function installPackage(name: string): Promise<void> {
  if (!isRoot()) throw new Error('its Debian package is installed by root only')
  await access('/usr/bin/apt-get').catch(() => {
    throw new Error('its Debian package needs apt-get, which is not here')
  })
  await runCommand('flock', ['/run/lock/rollcall-test-engines', 'sh', '-c', script, 'rollcall-install', name])
}
