#!/bin/bash
# hpcgen 0.1.0: site local, facts of 2013-04-01 to 2026-11-21
# made by: hpcgen local --workload array --commands runs.txt --tasks 5

export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS=1

# Each index of the array runs its share of the tasks, one after the other. HPCGEN_TASK is the number of the task.
tasks=runs.txt
if [ ! -r "$tasks" ] || [ -d "$tasks" ]; then
    echo "hpcgen: $tasks: cannot read this file on $HOSTNAME from $PWD: it must contain the tasks of this array" >&2
    exit 2
fi
count=5
chunk=5
index=1
first=$(((index - 1) * chunk + 1))
last=$((first + chunk - 1 < count ? first + chunk - 1 : count))
status=0
commands() { awk '{ sub(/\r$/, "") } !/^[ \t]*(#|$)/' "$tasks"; }
there=$(commands | awk 'END { print NR }')
for ((HPCGEN_TASK = first; HPCGEN_TASK <= last; HPCGEN_TASK++)); do
    export HPCGEN_TASK
    if [ "$HPCGEN_TASK" -gt "$there" ]; then
        echo "hpcgen: $tasks: no command $HPCGEN_TASK: the file has only $there now" >&2
        status=1
        break
    fi
    bash -c "$(commands | awk -v number="$HPCGEN_TASK" 'NR == number')" </dev/null || {
        status=$?
        echo "hpcgen: command $HPCGEN_TASK of $tasks failed with status $status" >&2
    }
done
if [ "$last" -eq "$count" ] && [ "$there" -gt "$count" ]; then
    echo "hpcgen: $tasks: the file has $there commands now, but this array was made for $count" >&2
    status=1
fi
exit "$status"
