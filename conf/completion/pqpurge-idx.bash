# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# bash completion for pqpurge-idx(8). Verbs and options come from its own --help; domains, rules and batches from the
# index, for root. Each call is short and quiet.
#
# Strangers choose the names in the index, and root presses TAB. So no word is ever expanded here: there is no eval and no
# `compgen -W`, which expands its list as bash expands a command line, commands included. The command leaves out
# every name that means something to a shell. This file does not rely on that: it tests each name again.

# Offers those of the words that begin with what is typed so far. bash puts an offer into the line as it is: so quote it.
_pqpurge_idx_offer() { # CURRENT WORD...
	local current=$1 word
	shift
	for word; do
		[[ $word == "$current"* ]] || continue
		printf -v word %q "$word"
		COMPREPLY+=("$word")
	done
}

# Offers names from the index. In the C locale the ranges are ASCII alone.
_pqpurge_idx_names() { # KIND CURRENT
	local LC_ALL=C names=() good=() name bad='[!A-Za-z0-9._-]'

	[[ $1 == batches || $1 == log ]] && bad='[!0-9]'
	mapfile -t names < <(command pqpurge-idx complete "$1" -- "$2" 2>/dev/null </dev/null)
	for name in "${names[@]}"; do
		# bad is a pattern on purpose.
		# shellcheck disable=SC2053
		[[ $name && $name != -* && $name != *$bad* ]] && good+=("$name")
	done
	_pqpurge_idx_offer "$2" "${good[@]}"
}

# Offers the verbs: the indented lines that the first empty line behind them ends.
_pqpurge_idx_verbs() { # CURRENT
	local LC_ALL=C verb='^  ([a-z]+) +[^ ]' lines=() words=() line

	mapfile -t lines < <(command pqpurge-idx --help 2>/dev/null </dev/null)
	for line in "${lines[@]}"; do
		[[ ! $line && ${#words[@]} -gt 0 ]] && break
		[[ $line =~ $verb ]] && words+=("${BASH_REMATCH[1]}")
	done
	_pqpurge_idx_offer "$1" "${words[@]}"
}

_pqpurge_idx_options() { # VERB CURRENT
	local LC_ALL=C option='^ +(-[A-Za-z], )?(--[a-z-]+)' lines=() words=() line

	mapfile -t lines < <(command pqpurge-idx "$1" --help 2>/dev/null </dev/null)
	for line in "${lines[@]}"; do
		[[ $line =~ $option ]] && words+=("${BASH_REMATCH[2]}")
	done
	_pqpurge_idx_offer "$2" "${words[@]}"
}

# Offers the services of libpq, which are this user's names of fleets, also behind a comma. None needs quotes.
_pqpurge_idx_services() { # CURRENT
	local LC_ALL=C service='^\[([A-Za-z0-9._-]+)\]' head='' file line

	[[ $1 =~ ^[A-Za-z0-9._,-]*$ ]] || return
	[[ $1 == *,* ]] && head=${1%,*},
	for file in "${PGSERVICEFILE:-$HOME/.pg_service.conf}" /etc/postgresql-common/pg_service.conf; do
		[[ -f $file && -r $file ]] || continue
		while IFS= read -r line; do
			[[ $line =~ $service && $head${BASH_REMATCH[1]} == "$1"* ]] && COMPREPLY+=("$head${BASH_REMATCH[1]}")
		done <"$file"
	done
}

# Completes the value of an option; fails if nothing is known of its values.
_pqpurge_idx_value() { # OPTION CURRENT
	case $1 in
	# bash itself completes names of files, and quotes them. compopt fails where no completion is under way.
	-c | --config | -o | --output) compopt -o default 2>/dev/null ;;
	--save) compopt -o dirnames 2>/dev/null ;;
	--batch) _pqpurge_idx_names log "$2" ;;
	--queue) _pqpurge_idx_offer "$2" maildrop incoming active deferred hold ;;
	--by) _pqpurge_idx_offer "$2" sender from recipient login client uid reason ;;
	--as) _pqpurge_idx_offer "$2" host operator reader ;;
	--fleet=) _pqpurge_idx_services "$2" ;;
	--action) _pqpurge_idx_offer "$2" REJECT DEFER HOLD DISCARD OK WARN ;;
	--older | --newer | --since | --for | --block) _pqpurge_idx_offer "$2" 10m 1h 24h 7d ;;
	--sender | --from) _pqpurge_idx_names domains "$2" ;;
	*) return 1 ;;
	esac
	return 0
}

# "--by=cl" comes as three words, "--by" "=" "cl", since bash breaks words at '='.
_pqpurge_idx() {
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=purge word i

	if [[ $current == '=' ]]; then
		current=
	elif [[ $before == '=' ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	# A name follows only behind '='.
	[[ $before == --fleet && "${COMP_WORDS[COMP_CWORD]} ${COMP_WORDS[COMP_CWORD - 1]}" == *=* ]] && before='--fleet='
	# A quote that is still open is part of the word.
	current=${current#[\"\']}
	COMPREPLY=()
	_pqpurge_idx_value "$before" "$current" && return
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word == [a-z]* && $word != *[.@/[]* ]] && verb=$word && break
	done
	if [[ $current == -* ]]; then
		_pqpurge_idx_options "$verb" "$current"
		return
	fi
	((i == COMP_CWORD)) && _pqpurge_idx_verbs "$current"
	case $verb in
	unblock) _pqpurge_idx_names rules "$current" ;;
	fleet) _pqpurge_idx_offer "$current" hosts orders order cancel init add retire ;;
	undo) _pqpurge_idx_names batches "$current" ;;
	purge | hold | release | retry | list | top | why | report | block) _pqpurge_idx_names domains "$current" ;;
	esac
}

complete -F _pqpurge_idx pqpurge-idx
