# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A bare root of a Debian, and what the checks of packages do in it. To be sourced, with $top the source's directory and $build its build.
# PQPURGE_ROOT=DIRECTORY: a root that debootstrap made before is copied instead of made. MIRROR: where packages come from. SUITE:
# another release than this.

[ "$(id -u)" = 0 ] || { echo "root is needed" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is missing (tests/deps.sh deb)" >&2; exit 1; }
mirror=${MIRROR:-http://deb.debian.org/debian}
passed=0
work=$(mktemp -d /tmp/pqpurge-deb.XXXXXX)
root=$work/root
milter=
door=

finish() {
	status=$?
	trap - EXIT INT TERM
	set +e
	[ -z "$milter" ] || kill "$milter" 2>/dev/null
	[ -z "$door" ] || kill "$door" 2>/dev/null
	[ ! -e "$root/usr/sbin/postfix" ] || chroot "$root" postfix stop >/dev/null 2>&1
	! mountpoint -q "$root/proc" || umount "$root/proc"
	if mountpoint -q "$root/proc"; then
		echo "tests/deb: $root/proc is busy; $work stays" >&2
	else
		rm -rf "$work"
	fi
	if [ "$status" = 0 ]; then
		echo "tests/deb: $passed passed, 0 failed"
	else
		echo "tests/deb: $passed passed, 1 failed"
	fi
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# check WHAT COMMAND...: the command must succeed.
check() {
	what=$1
	shift
	"$@" || fail "$what: $*"
	passed=$((passed + 1))
	echo "ok: $what"
}

absent() {
	for path in "$@"; do
		[ ! -e "$root$path" ] || { echo "$path is there"; return 1; }
	done
}

inside() {
	env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"
}

# until_true WHAT COMMAND...: waits for it, at most 30 s.
until_true() {
	what=$1
	shift
	for _ in $(seq 300); do
		"$@" && return 0
		sleep 0.1
	done
	fail "waited in vain for: $what"
}

# ---- inside the root

has_status() { # WANTED COMMAND...
	wanted=$1
	shift
	got=0
	"$@" >"$work/out" 2>&1 || got=$?
	[ "$got" = "$wanted" ] || { cat "$work/out"; echo "exit status $got, not $wanted"; return 1; }
}

start_milter() {
	env -i PATH=/usr/sbin:/usr/bin chroot "$root" "$1" >>"$work/milter.log" 2>&1 &
	milter=$!
	until_true "the daemon's socket" test -S "$root/var/spool/postfix/pqpurge/milter.sock"
}

stop_milter() {
	kill "$milter"
	wait "$milter" || fail "the daemon ended with status $?"
	milter=
}

start_postfix() {
	inside postfix start >"$work/out" 2>&1 || { cat "$work/out"; fail "Postfix does not start"; }
	until_true "Postfix" inside postfix status
}

send() { # SENDER COUNT
	inside smtp-source -s 1 -m "$2" -f "$1" -t u@dest.example "127.0.0.1:$port"
}

queued() { # COUNT
	[ "$(inside postqueue -j | wc -l)" = "$1" ]
}

listed() { # DOMAIN COUNT
	[ "$(inside pqpurge-idx list "$1" | wc -l)" = "$2" ]
}

installs() {
	cp "$1" "$root/tmp/package.deb"
	inside apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold /tmp/package.deb \
		</dev/null >"$work/out" 2>&1 ||
		{ cat "$work/out"; return 1; }
}

package() {
	inside "$@" >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
}

same() {
	cmp "$work/$1" "$root$2"
}

# ---- the root

make_root() {
	# A package fits the release on which it was built: another one names its libraries differently.
	suite=${SUITE:-$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)}
	echo "making a bare Debian $suite in $root"
	if [ -n "${PQPURGE_ROOT:-}" ]; then
		cp -a "$PQPURGE_ROOT" "$root"
	else
		debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/debootstrap.log" 2>&1 ||
			{ tail -20 "$work/debootstrap.log"; fail "debootstrap failed"; }
	fi
	mount -t proc proc "$root/proc"
	printf '127.0.0.1 localhost host.example\n' >"$root/etc/hosts"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	echo host.example >"$root/etc/mailname"
	printf '%s\n' 'postfix postfix/main_mailer_type select Local only' 'postfix postfix/mailname string host.example' |
		inside debconf-set-selections
	inside apt-get update -q >"$work/out" 2>&1 || { cat "$work/out"; fail "apt-get update"; }
}

# smtpd on a free port of the loopback, no mail leaves, and the log needs no syslog daemon.
set_up_postfix() {
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	inside postconf -MX smtp/inet
	inside postconf -M "127.0.0.1:$port/inet=127.0.0.1:$port inet n - y - - smtpd"
	inside postconf -M "postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd"
	inside postconf -e maillog_file=/var/log/mail.log inet_interfaces=127.0.0.1 inet_protocols=ipv4 default_transport=smtp \
		defer_transports=smtp relay_transport=smtp mydestination= smtpd_relay_restrictions=permit_mynetworks,reject \
		'smtpd_milters = { inet:127.0.0.1:1, default_action=accept, connect_timeout=1s }'
}

# Sets $deb to this checkout's package, which it builds if it is missing.
find_package() {
	set -- "$build"/deb/pqpurge_*_*.deb
	[ -e "$1" ] || DEB_BUILD_OPTIONS=nocheck make -C "$top" BUILD="$build" deb
	set -- "$build"/deb/pqpurge_*_*.deb
	[ $# = 1 ] || fail "more than one package in $build/deb"
	deb=$1
}
