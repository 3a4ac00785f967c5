# bash completion for tiercel. Commands and options are read from `tiercel --help`, so this file knows none.

# tail and status have options of their own.
_tiercel_help() {
	case ${COMP_WORDS[1]} in
	tail | status) "${COMP_WORDS[0]}" "${COMP_WORDS[1]}" --help 2>/dev/null ;;
	*) "${COMP_WORDS[0]}" --help 2>/dev/null ;;
	esac
}

_tiercel() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=
	COMPREPLY=()
	[ "$COMP_CWORD" -gt 1 ] && [[ ${COMP_WORDS[1]} != -* ]] && command=${COMP_WORDS[1]}
	case $before in
	-c | -r | -V | --validate | -P | --pidfile | --unix | --ca | --cert | --key)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-o | --option)
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" list settings 2>/dev/null |
			sed -n 's/^\([a-z][a-z0-9_.]*\):.*/\1=/p')" -- "$word")
		compopt -o nospace
		return
		;;
	list)
		mapfile -t COMPREPLY < <(compgen -W "$(_tiercel_help |
			sed -n 's/^ *tiercel list \([a-z|]*\).*/\1/p' | tr '|' ' ')" -- "$word")
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_tiercel_help |
			sed -n '/^  [- ]/ { s/^ *\(-[^ ,]*\),* *\(--[^ ]*\)*.*/\1 \2/p }')" -- "$word")
	elif [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "run $(_tiercel_help |
			grep -oE '(tiercel|\|) [a-z]+' | cut -d' ' -f2)" -- "$word")
	elif [ -n "$command" ]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}
complete -o filenames -F _tiercel tiercel
