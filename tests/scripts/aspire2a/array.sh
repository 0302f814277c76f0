#!/bin/bash
# hpcgen 0.1.0: site aspire2a, facts of 2025-02-01 to 2026-11-21
# made by: hpcgen pbs --site aspire2a --workload array --commands runs.txt --tasks 40 --throttle 10 --account 11001234 --time 02:00:00 --cpus-per-task 4 --mem 16G
#PBS -N array
#PBS -P 11001234
#PBS -q normal
#PBS -l walltime=02:00:00
#PBS -l select=1:ncpus=4:mpiprocs=1:ompthreads=4:mem=16gb
#PBS -J 1-40%10
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit

module load python/3.10.9
export OMP_NUM_THREADS=4

# Each index of the array runs its share of the tasks, one after the other. HPCGEN_TASK is the number of the task.
tasks=runs.txt
if [ ! -r "$tasks" ] || [ -d "$tasks" ]; then
    echo "hpcgen: $tasks: cannot read this file on $HOSTNAME from $PWD: it must contain the tasks of this array" >&2
    exit 2
fi
count=40
chunk=1
index=$PBS_ARRAY_INDEX
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
