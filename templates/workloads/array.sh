# Each index of the array runs its share of the tasks, one after the other. HPCGEN_TASK is the number of the task.
tasks={{ job.tasks.file|path }}
if [ ! -r "$tasks" ] || [ -d "$tasks" ]; then
    echo "hpcgen: $tasks: cannot read this file on $HOSTNAME from $PWD: it must contain the tasks of this array" >&2
    exit 2
fi
count={{ job.tasks.count }}
chunk={{ job.tasks.chunk }}
#% if job.array
index=${{ array.index }}
#% else
index=1
#% endif
first=$(((index - 1) * chunk + 1))
last=$((first + chunk - 1 < count ? first + chunk - 1 : count))
status=0
#% if job.tasks.kind == "commands"
commands() { awk '{ sub(/\r$/, "") } !/^[ \t]*(#|$)/' "$tasks"; }
there=$(commands | awk 'END { print NR }')
for ((HPCGEN_TASK = first; HPCGEN_TASK <= last; HPCGEN_TASK++)); do
    export HPCGEN_TASK
    if [ "$HPCGEN_TASK" -gt "$there" ]; then
        echo "hpcgen: $tasks: no command $HPCGEN_TASK: the file has only $there now" >&2
        status=1
        break
    fi
    {{ array.through }}bash -c "$(commands | awk -v number="$HPCGEN_TASK" 'NR == number')" </dev/null || {
        status=$?
        echo "hpcgen: command $HPCGEN_TASK of $tasks failed with status $status" >&2
    }
done
if [ "$last" -eq "$count" ] && [ "$there" -gt "$count" ]; then
    echo "hpcgen: $tasks: the file has $there commands now, but this array was made for $count" >&2
    status=1
fi
#% else
python=$(command -v python3 || command -v python)
for ((HPCGEN_TASK = first; HPCGEN_TASK <= last; HPCGEN_TASK++)); do
    export HPCGEN_TASK
    {{ array.through }}"$python" -c "$row" "$tasks" "$HPCGEN_TASK" "$count" {{ array.words }} || {
        status=$?
        echo "hpcgen: row $HPCGEN_TASK of $tasks failed with status $status" >&2
    }
done
#% endif
exit "$status"
