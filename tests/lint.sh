#!/bin/sh
# SPDX-License-Identifier: ISC
# Checks that compilers do not make.
# `lint.sh format FILES...`: clang-format, if it is the version that has our format.
# `lint.sh rooms`: includes point downward only, and each foreign engine is included by one file.
# `lint.sh map`: everything that CONTRIBUTING.md and the rooms' READMEs name exists.
# `lint.sh keys`: pqpurge-milter(8) lists the members of the daemon's status, no more and no less.
# `lint.sh units`: systemd understands every line of our units and finds each service confined (exposure at most 2.0; 2.5 with
# postsuper(1) or postfix(1), 3.5 with a hook, too), and no unit gives a socket away by its path. Works without a running systemd.
# `lint.sh clang FLAGS...`: clang's warnings over the tests.
# `lint.sh tidy FLAGS...`: clang's warnings and clang-tidy over all sources, without its analyzer, which takes twenty times as long;
# `analyze`: with it.
set -eu

# Each version of clang-format breaks lines in its own way; ours is that of Debian 12.
FORMAT=14

format() {
	version=$(clang-format --version)
	case $version in
	*" version $FORMAT."*) clang-format --dry-run -Werror "$@" ;;
	*) echo "clang-format: NOT RUN, for the format is that of version $FORMAT, and here is $version" ;;
	esac
}

below() {
	case $1 in
	lib/base) echo 'base' ;;
	lib/mail) echo 'mail|base' ;;
	lib/door) echo 'door|mail|base' ;;
	lib/flood) echo 'flood|mail|base' ;;
	lib/rules) echo 'rules|mail|base' ;;
	lib/index) echo 'index|rules|mail|base' ;;
	lib/postfix) echo 'postfix|mail|base' ;;
	lib/order) echo 'order|index|rules|postfix|mail|base' ;;
	milter) echo 'milter|flood|index|rules|door|mail|base' ;;
	fleet) echo 'fleet|door|postfix|mail|base' ;;
	purge) echo 'purge|flood|order|index|rules|door|postfix|mail|base' ;;
	esac
}

rooms() {
	bad=0
	for room in lib/base lib/mail lib/flood lib/door lib/rules lib/index lib/postfix lib/order milter purge fleet; do
		wrong=$(find "$room" -name '*.[ch]' -exec grep -nE '^#include "' {} + | grep -vE "#include \"($(below $room))/") || continue
		printf 'wrong arrows out of %s:\n%s\n' "$room" "$wrong"
		bad=1
	done
	for engine in lmdb.h libmilter/mfapi.h pcre2.h confuse.h idn2.h jansson.h xxhash.h libsmartcols.h libpq-fe.h curses.h; do
		users=$(grep -rlF --include='*.[ch]' "#include <$engine" lib milter purge fleet || true)
		[ "$(printf '%s\n' "$users" | wc -l)" -le 1 ] && continue
		printf '<%s> is included by more than one file:\n%s\n' "$engine" "$users"
		bad=1
	done
	return $bad
}

# The path as it is, or without its ending or the room's lib/, as prose names a module.
is_there() {
	for at in "$1" "lib/$1"; do
		[ -e "$at" ] || [ -e "$at.c" ] || [ -e "$at.h" ] && return 0
	done
	return 1
}

# One line of the table "Where is what": a file's bare name is in a folder that the line names, and any other word in
# one of its files, or it is a verb or a setting. Words with NAME stand for many; options and the like are left out.
# shellcheck disable=SC2016
map_line() {
	folders='' files='purge/verbs.c conf/pqpurge.conf' words=''
	for word in $(printf '%s\n' "$1" | grep -oE '`[^` ]+`' | tr -d '`'); do
		case $word in
		*NAME*) continue ;;
		[a-z]*/*) ;;
		*.[ch])
			for folder in $folders; do
				[ -e "$folder/$word" ] && word=$folder/$word && break
			done
			;;
		[a-zA-Z]*)
			words="$words $word"
			continue
			;;
		*) continue ;;
		esac
		if [ -d "$word" ]; then
			folders="$word $folders"
		elif [ -e "$word" ]; then
			folders="${word%/*} $folders"
			files="$files $word"
		else
			echo "CONTRIBUTING.md: there is no $word"
		fi
	done
	for word in $words; do
		# shellcheck disable=SC2086
		grep -qwF -- "$word" $files || echo "CONTRIBUTING.md: '$word' is not in $files"
	done
}

# What a room's README names is in the room, or in a folder of it.
# shellcheck disable=SC2016
map_room() {
	for word in $(grep -oE '`[a-z_./]+`' "$1/README.md" | tr -d '`'); do
		for at in "$1" "$1"/*/; do
			[ -e "$at/$word" ] || [ -e "$at/$word.c" ] && continue 2
		done
		echo "$1/README.md: there is no $word"
	done
}

# shellcheck disable=SC2016
map() {
	wrong=$(
		for room in lib/*/README.md milter/README.md purge/README.md; do
			map_room "${room%/README.md}"
		done
		grep -v 'NAME' CONTRIBUTING.md | grep -oE '(`|\| )(lib|milter|purge|fleet|tests|conf|base|mail|door|flood|rules|index|postfix|order|policy)/[a-z0-9_/.]*' |
			sed 's/^[`| ]*//' | sort -u | while read -r path; do
			is_there "$path" || is_there "milter/$path" || echo "CONTRIBUTING.md: there is no $path"
		done
		sed -n '/^## Where is what/,/^## /{/^| change/d;/^| /p;}' CONTRIBUTING.md | while IFS= read -r line; do
			map_line "$line"
		done
	)
	[ -z "$wrong" ] && return 0
	printf '%s\n' "$wrong"
	return 1
}

keys() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	sed -n 's/^#define STATUS_[A-Z_]* *"\(.*\)"$/\1/p' lib/index/control/status.h | sort >"$work/code"
	sed -n '/^has these members/,/^\.El/s/^\.It Li //p' milter/pqpurge-milter.8 | tr -d ' ' | tr ',' '\n' | sort >"$work/manual"
	diff -L status.h -L pqpurge-milter.8 -u "$work/code" "$work/manual"
}

# $FLAGS is a list of words on purpose.
# shellcheck disable=SC2016
clang_warns() {
	FLAGS="$*"
	export FLAGS
	find tests -name '*.c' -print0 |
		xargs -0 -n 8 -P "$(nproc)" sh -c 'clang -fsyntax-only -Werror $FLAGS "$@"' sh
}

# shellcheck disable=SC2016
tidy() {
	CHECKS=$1
	shift
	FLAGS="$*"
	export CHECKS FLAGS
	out=$(find lib milter purge fleet -name '*.c' -print0 |
		xargs -0 -n 12 -P "$(nproc)" sh -c 'clang-tidy --quiet --checks="$CHECKS" "$@" -- -Werror $FLAGS 2>/dev/null' sh) && return 0
	printf '%s\n' "$out" "clang-tidy found something, or does not run"
	return 1
}

units() {
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	mkdir "$work/sbin"
	# A unit whose program is missing would not pass; any program will do here.
	ln -s /bin/true "$work/sbin/pqpurge-milter"
	ln -s /bin/true "$work/sbin/pqpurge-idx"
	ln -s /bin/true "$work/sbin/pqpurge-link"
	for unit in conf/*.service conf/*.socket conf/*.timer; do
		sed "s|@PREFIX@|$work|g" "$unit" >"$work/${unit##*/}"
	done
	cp "$work/pqpurge-order@.service" "$work/pqpurge-order-operator@.service"
	mv "$work/pqpurge-order@.service" "$work/pqpurge-order-daemon@.service"
	bad=0
	# systemd does this by chown(2) on a path in the daemon's own directory, where it follows links. That of the order door
	# is in root's own directory.
	if grep -nE '^Socket(User|Group)=' conf/pqpurge-milter*.socket conf/pqpurge-order-operator.socket; then
		echo "a socket must not be given away by its path"
		bad=1
	fi
	said=$(cd "$work" && systemd-analyze verify --man=no ./*.service ./*.socket ./*.timer 2>&1) || bad=1
	if [ $bad = 1 ] || [ -n "$said" ]; then
		printf 'systemd-analyze verify:\n%s\n' "$said"
		bad=1
	fi
	for unit in "$work"/*.service; do
		# Services that run postsuper or postfix need the network's addresses; an order's hook may need the network, and
		# setgid programs.
		case $unit in
		*-order-*) exposure=35 ;;
		*-sync* | *-metrics*) exposure=25 ;;
		*) exposure=20 ;;
		esac
		said=$(systemd-analyze security --offline=true --no-pager --threshold=$exposure "$unit") && continue
		printf '%s\n' "$said"
		bad=1
	done
	return $bad
}

case ${1:-} in
format)
	shift
	format "$@"
	;;
rooms) rooms ;;
map) map ;;
keys) keys ;;
units) units ;;
clang)
	shift
	clang_warns "$@"
	;;
tidy)
	shift
	tidy '-clang-analyzer-*' "$@"
	;;
analyze)
	shift
	tidy '' "$@"
	;;
*)
	echo "usage: lint.sh format FILES... | rooms | map | keys | units | clang FLAGS... | tidy FLAGS... | analyze FLAGS..." >&2
	exit 1
	;;
esac
