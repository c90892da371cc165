# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# bash completion for pqpurge-idx(8). Verbs and options come from its own --help; domains, rules and batches from the
# index, for root. Each call is short and quiet.

_pqpurge_idx_help() {
	command pqpurge-idx "$@" --help 2>/dev/null
}

_pqpurge_idx_verbs() {
	_pqpurge_idx_help | sed -n '/^Verbs:/,/^$/s/^  \([a-z]*\)  *[^ ].*/\1/p'
}

# Values of an option; fails where the option takes none that could be known.
_pqpurge_idx_values() {
	case $1 in
	--queue) echo 'maildrop incoming active deferred hold' ;;
	--by) echo 'sender from recipient login client' ;;
	--action) echo 'REJECT DEFER HOLD DISCARD OK WARN' ;;
	--sender | --from) command pqpurge-idx complete domains "$2" 2>/dev/null ;;
	--older | --newer | --since | --for | --block) echo '10m 1h 24h 7d' ;;
	*) return 1 ;;
	esac
}

# "--by=cl" comes as three words, "--by" "=" "cl", since bash breaks words at '='.
_pqpurge_idx() {
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words='' verb=purge word i

	if [[ $current == '=' ]]; then
		current=
	elif [[ $before == '=' ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	COMPREPLY=()
	case $before in
	-c | --config) word=-f ;;
	--save) word=-d ;;
	*) word= ;;
	esac
	if [[ $word ]]; then
		# Directories get their slash; it fails where no completion is under way.
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen "$word" -- "$current")
		return
	fi
	if words=$(_pqpurge_idx_values "$before" "$current"); then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word == [a-z]* && $word != *[.@/[]* ]] && verb=$word && break
	done
	if [[ $current == -* ]]; then
		words=$(_pqpurge_idx_help "$verb" | sed -n 's/^  *\(-[A-Za-z], \)\{0,1\}\(--[a-z-]*\).*/\2/p')
	elif ((i == COMP_CWORD)); then
		words="$(_pqpurge_idx_verbs) $(command pqpurge-idx complete domains "$current" 2>/dev/null)"
	else
		case $verb in
		unblock) words=$(command pqpurge-idx complete rules "$current" 2>/dev/null) ;;
		undo) words=$(command pqpurge-idx complete batches "$current" 2>/dev/null) ;;
		purge | hold | release | list | top | why | block)
			words=$(command pqpurge-idx complete domains "$current" 2>/dev/null)
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _pqpurge_idx pqpurge-idx
