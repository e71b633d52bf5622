# For the scripts of hack/ to source: runs a step with its output in a log, shows that it is alive, and names what failed.
# shellcheck shell=bash

step_logs=${step_logs:-.cache/log}
step_ticker=

step_clock() { printf '%d' "$((${EPOCHREALTIME/[.,]/} / 1000))"; }

# step_took BEGAN: the time since BEGAN (of step_clock) as a person says it.
step_took() {
    local ms=$(($(step_clock) - $1))
    if ((ms < 60000)); then
        printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
    else
        printf '%d min %02d s' $((ms / 60000)) $((ms % 60000 / 1000))
    fi
}

step_last_line() {
    local line
    line=$(tail -c 2000 "$1" | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1)
    printf '%.60s' "${line//[^[:print:]]/ }"
}

# Says every so often how long NAME has been going, and the last line of its log: on a terminal every second, in place.
step_tick() {
    local name=$1 log=$2 began=$3 every=30 begin='' end='\n' never
    [[ ! -t 1 ]] || { every=1 begin='\r\e[K' end=; }
    exec {never}<> <(:)  # To wait without a `sleep` that would outlive us.
    while :; do
        read -rt "$every" -u "$never" || true
        printf "$begin  %-28s %s … %s$end" "$name" "$(step_took "$began")" "$(step_last_line "$log")"
    done
}

step_end_ticker() {
    [[ -z $step_ticker ]] || { kill "$step_ticker" && wait "$step_ticker"; } 2>/dev/null || true
    step_ticker=
    [[ ! -t 1 ]] || printf '\r\e[K'
}
trap step_end_ticker EXIT

# step NAME COMMAND...: ends the script with the command's exit code when it fails. A function is run with errexit.
step() {
    local name=$1 began log status
    shift
    began=$(step_clock)
    log=$step_logs/${name//[^a-z0-9]/-}.log
    mkdir -p "$step_logs"
    : >"$log"
    step_tick "$name" "$log" "$began" &
    step_ticker=$!
    set +e
    (set -e && "$@") >"$log" 2>&1 </dev/null
    status=$?
    set -e
    step_end_ticker
    if ((status != 0)); then
        printf '  %-28s FAILED after %s (exit code %d). The end of %s:\n\n' \
            "$name" "$(step_took "$began")" "$status" "$log" >&2
        tail -n 40 "$log" >&2
        printf '\n%s: "%s" failed, its log is %s\n' "$0" "$name" "$PWD/$log" >&2
        exit "$status"
    fi
    printf '  %-28s %s\n' "$name" "$(step_took "$began")"
}
