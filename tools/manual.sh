#!/usr/bin/env bash
# Makes a manual page or a shell's completion of what `diffy --help` says, so that they can't disagree with it.
#   tools/manual.sh man|bash|zsh build/diffy >FILE
set -euo pipefail
kind=$1 diffy=$2

# No reader of --help stops before its end: diffy would say that it can't write.

# Every command, as "encode", "splat encode" ...: those that have commands of their own are told by the latter alone.
names() { "$@" --help | awk '/^  [a-z]+ /{ print $1 }'; }
summary() { "${@:1:$#-1}" --help | awk -v name="${!#}" '$1 == name && !told { sub(/^ +[a-z]+ +/, ""); print; told = 1 }'; }
commands() {
    local command inner
    for command in $(names "$diffy"); do
        if "$diffy" "$command" --help | sed -n 1p | grep -q ' COMMAND '; then
            for inner in $(names "$diffy" "$command"); do echo "$command $inner"; done
        else
            echo "$command"
        fi
    done
}

# options COMMAND...: name, short name or -, argument or -, help; with tabs between.
options() {
    "$diffy" "$@" --help | awk '
        function out() { if (name != "") printf "%s\t%s\t%s\t%s\n", name, short, argument, help; name = "" }
        /^options:/ { on = 1; next }
        !on { next }
        /^  -/ {
            out()
            text = substr($0, 3)
            split_at = match(text, /  +/)
            head = split_at ? substr(text, 1, split_at - 1) : text
            help = split_at ? substr(text, split_at + RLENGTH) : ""
            short = argument = "-"
            if (head ~ /^-[a-zA-Z], /) { short = substr(head, 1, 2); head = substr(head, 5) }
            name = head
            if (match(head, / /)) { name = substr(head, 1, RSTART - 1); argument = substr(head, RSTART + 1) }
            next
        }
        { sub(/^ +/, ""); help = help (help == "" ? "" : " ") $0 }
        END { out() }'
}

roff() { sed -e 's/\\/\\e/g; s/-/\\-/g; s/^\([.'"'"']\)/\\\&\1/'; }

manual() {
    local version command words name short argument help
    version=$("$diffy" --version | awk '{ sub(/,$/, "", $2); print $2 }')
    printf '.TH DIFFY 1 "" "diffy %s" "User Commands"\n.SH NAME\n' "$version"
    printf 'diffy \\- %s\n' "$("$diffy" --help | sed -n 1p | sed 's/^diffy: //' | roff)"
    printf '.SH SYNOPSIS\n.B diffy\n.I COMMAND\n[options] ...\n.SH COMMANDS\n'
    while read -r command; do
        read -ra words <<<"$command"
        printf '.TP\n.B %s\n%s\n' "$command" "$(summary "$diffy" "${words[@]}" | roff)"
    done < <(commands)
    while read -r command; do
        read -ra words <<<"$command"
        printf '.SH "DIFFY %s"\n' "${command^^}"
        "$diffy" "${words[@]}" --help | awk '/^options:/ { told = 1 } NR == 1 { sub(/^usage: /, "") } !told { print }' | roff |
            awk 'NR == 1 { print ".B " $0; print ".PP"; print ".nf"; next } { print } END { print ".fi" }'
        while IFS=$'\t' read -r name short argument help; do
            printf '.TP\n'
            [ "$short" = - ] || printf '\\fB%s\\fR, ' "$(roff <<<"$short")"
            printf '\\fB%s\\fR' "$(roff <<<"$name")"
            [ "$argument" = - ] || printf ' \\fI%s\\fR' "$(roff <<<"$argument")"
            printf '\n%s\n' "$(roff <<<"$help")"
        done < <(options "${words[@]}")
    done < <(commands)
    printf '.SH "EXIT STATUS"\n0: good. 1: failed; one line on stderr says what, where, and what to do. 2: bad usage.\n'
}

# What can follow an option: a|b|c as words, N and the like as nothing, everything else as files.
choices() { [[ $1 =~ ^[a-z0-9]+(\|[a-z0-9]+)+$ ]] && tr '|' ' ' <<<"$1"; }
takes_file() { [[ $1 =~ ^(CSV|FILE|PATH|JSON|PATTERN)$ ]]; }

bash_completion() {
    local command words name short argument help all
    echo '# bash completion of diffy'
    echo '_diffy() {'
    echo '    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}'
    echo '    COMPREPLY=()'
    echo "    if [ \"\$COMP_CWORD\" = 1 ]; then COMPREPLY=(\$(compgen -W '$(names "$diffy" | tr '\n' ' ')--help --version' -- \"\$cur\")); return; fi"
    echo '    case $command in'
    for command in $(names "$diffy"); do
        "$diffy" "$command" --help | sed -n 1p | grep -q ' COMMAND ' || continue
        echo "        $command)"
        echo "            if [ \"\$COMP_CWORD\" = 2 ]; then COMPREPLY=(\$(compgen -W '$(names "$diffy" "$command" | tr '\n' ' ')' -- \"\$cur\")); return; fi"
        echo '            command="$command ${COMP_WORDS[2]}" ;;'
    done
    echo '    esac'
    echo '    case "$command $prev" in'
    while read -r command; do
        read -ra words <<<"$command"
        while IFS=$'\t' read -r name short argument help; do
            [ "$argument" = - ] && continue
            takes_file "$argument" && continue
            [ "$short" = - ] || printf '        "%s %s" | ' "$command" "$short"
            [ "$short" = - ] && printf '        '
            printf "\"%s %s\") COMPREPLY=(\$(compgen -W '%s' -- \"\$cur\")); return ;;\n" "$command" "$name" "$(choices "$argument")"
        done < <(options "${words[@]}")
    done < <(commands)
    echo '    esac'
    echo '    [[ $cur == -* ]] && case $command in'
    while read -r command; do
        read -ra words <<<"$command"
        all=$(options "${words[@]}" | cut -f1 | tr '\n' ' ')
        printf "        '%s') COMPREPLY=(\$(compgen -W '%s' -- \"\$cur\")) ;;\n" "$command" "$all--help"
    done < <(commands)
    echo '    esac'
    echo '}'
    echo 'complete -o bashdefault -o default -F _diffy diffy'
}

# Escapes what _arguments and _describe read: brackets, colons, quotes.
zsh_text() { sed -e "s/'/'\\\\''/g; s/[]:[]/\\\\&/g"; }

zsh_completion() {
    local command words name short argument help after
    echo '#compdef diffy'
    echo '_diffy() {'
    echo '    local -a commands'
    echo '    local command=$words[2]'
    echo '    if (( CURRENT == 2 )); then'
    echo '        commands=('
    for command in $(names "$diffy"); do echo "            '$command:$(summary "$diffy" "$command" | zsh_text)'"; done
    echo '        )'
    echo "        _describe command commands; return"
    echo '    fi'
    for command in $(names "$diffy"); do
        "$diffy" "$command" --help | sed -n 1p | grep -q ' COMMAND ' || continue
        echo "    if [[ \$command == $command ]]; then"
        echo "        if (( CURRENT == 3 )); then compadd $(names "$diffy" "$command" | tr '\n' ' '); return; fi"
        echo '        command="$command $words[3]"; shift words; (( CURRENT-- ))'
        echo '    fi'
    done
    echo '    shift words; (( CURRENT-- ))'
    echo '    case $command in'
    while read -r command; do
        read -ra words <<<"$command"
        echo "        '$command') _arguments -s \\"
        while IFS=$'\t' read -r name short argument help; do
            after=
            if [ "$argument" != - ]; then
                after=":$(zsh_text <<<"$argument"):"
                if takes_file "$argument"; then after+=_files; elif choices "$argument" >/dev/null; then after+="($(choices "$argument"))"; fi
            fi
            help=$(zsh_text <<<"$help")
            echo "            '$name[$help]$after' \\"
            [ "$short" = - ] || echo "            '$short[$help]$after' \\"
        done < <(options "${words[@]}")
        echo "            '*:file:_files' ;;"
    done < <(commands)
    echo '    esac'
    echo '}'
    echo '_diffy "$@"'
}

case $kind in
    man) manual ;;
    bash) bash_completion ;;
    zsh) zsh_completion ;;
    *) echo "usage: tools/manual.sh man|bash|zsh DIFFY" >&2 && exit 2 ;;
esac
