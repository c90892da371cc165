#!/bin/sh
# SPDX-License-Identifier: ISC
# deps.sh GROUP...: prints which Debian packages of the groups (build, demo, browser, fleet, unit, test, lint, suite, deb, bench) are
# missing, and installs these and no others by apt-get, as root or with sudo. Nothing missing: says nothing and needs neither root nor network.
set -u

BUILD='gcc make pkg-config libc6-dev libmilter-dev liblmdb-dev libpcre2-dev libidn2-dev libjansson-dev
	libconfuse-dev libsmartcols-dev libxxhash-dev libpq-dev libncurses-dev'
DEMO='postfix python3'
BROWSER='chromium fonts-dejavu-core'
FLEET="$DEMO postgresql openssl"
UNIT="$DEMO libcmocka-dev procps"
TEST="$FLEET $UNIT $BROWSER
	bash miltertest strace zsh e2fsprogs mount jq systemd prometheus prometheus-node-exporter tmux"
LINT='clang clang-format clang-tidy mandoc shellcheck systemd'
BENCH='gnuplot-nox'
SUITE='debootstrap'
DEB='build-essential debhelper dpkg-dev lintian debootstrap systemd'

fail() {
	printf 'deps.sh: %s\n' "$*" >&2
	exit 1
}

packages=
for group in "$@"; do
	case $group in
	build) packages="$packages $BUILD" ;;
	demo) packages="$packages $DEMO" ;;
	browser) packages="$packages $BROWSER" ;;
	fleet) packages="$packages $FLEET" ;;
	unit) packages="$packages $UNIT" ;;
	test) packages="$packages $TEST" ;;
	lint) packages="$packages $LINT" ;;
	deb) packages="$packages $DEB" ;;
	suite) packages="$packages $SUITE" ;;
	bench) packages="$packages $BENCH" ;;
	*) fail "no group \"$group\"; there are build, demo, browser, fleet, unit, test, lint, suite, deb and bench" ;;
	esac
done
[ -n "$packages" ] || fail "usage: deps.sh GROUP... (build, demo, browser, fleet, unit, test, lint, suite, deb, bench)"

command -v dpkg-query >/dev/null 2>&1 ||
	fail "this is not Debian; please see to it that there is:" "$packages"

missing=
for package in $packages; do
	state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
echo "missing Debian packages:$missing"

if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo >/dev/null 2>&1; then
	as_root=sudo
	echo "installing them with sudo"
else
	fail "cannot install them: not root, and there is no sudo. As root: apt-get install$missing"
fi

# A Postfix installed for the tests must not become this machine's mail server: "No configuration" starts none, and
# --no-remove refuses rather than remove another mail server.
case " $missing " in
*' postfix '*)
	echo 'postfix postfix/main_mailer_type select No configuration' |
		$as_root debconf-set-selections || fail "debconf-set-selections failed"
	;;
esac
# PostgreSQL must not become its database server either, so no cluster is made. The package keeps an existing file.
case " $missing " in
*' postgresql '*)
	clusters=/etc/postgresql-common/createcluster.conf
	# shellcheck disable=SC2016
	[ -e $clusters ] || $as_root sh -c '
		mkdir -p "${1%/*}" && printf "%s\n" "# by tests/deps.sh of pqpurge" "create_main_cluster = false" >"$1"' sh $clusters ||
		fail "cannot write $clusters"
	;;
esac
# Prometheus and its exporter must not serve either. The admin's mask, which their packages respect, keeps them down,
# also at boot. Without systemd invoke-rc.d(8) asks policy-rc.d.
policy=/usr/sbin/policy-rc.d
for unit in prometheus prometheus-node-exporter; do
	case " $missing " in
	*" $unit "*) ;;
	*) continue ;;
	esac
	mask=/etc/systemd/system/$unit.service
	# shellcheck disable=SC2016
	[ -e "$mask" ] || $as_root sh -c 'mkdir -p "${1%/*}" && ln -sf /dev/null "$1"' sh "$mask" || fail "cannot write $mask"
	[ -e $policy ] && continue
	# shellcheck disable=SC2016
	$as_root sh -c 'printf "%s\n" "#!/bin/sh" "exit 101" >"$1" && chmod 755 "$1"' sh $policy || fail "cannot write $policy"
	trap '$as_root rm -f "$policy"' EXIT
done
install() {
	# $missing is a list of words on purpose.
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends --no-remove $missing
}
# Package lists may be missing or too old, so they are fetched once.
install || { $as_root apt-get update -q && install; } ||
	fail "apt-get could not install:$missing"
