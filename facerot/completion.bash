# Completes python -m facerot.COMMAND key=value in bash, with what Hydra knows of its settings.
_facerot() {
    local words=($COMP_LINE) word=${COMP_WORDS[COMP_CWORD]} choices
    [[ ${words[1]} == -m ]] || return
    if ((COMP_CWORD == 2)); then
        compopt +o nospace
        choices="COMMANDS"
    elif [[ ${words[2]} == facerot.* ]]; then
        # Hydra takes a line that names a script, not a module.
        choices=$(COMP_LINE="python script ${COMP_LINE#*"${words[2]}" }" \
            "${words[0]}" -m "${words[2]}" -sc query=bash 2>/dev/null)
    fi
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}
complete -o nospace -o default -F _facerot python python3
