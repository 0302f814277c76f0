#!/bin/bash -l
# hpcgen 0.1.0: site myriad, facts of 2025-02-17 to 2026-11-21
# made by: hpcgen sge --site myriad --workload array --table parameters.csv --tasks 100 --time 02:00:00 --mem 4G --venv /home/ccaabcd/venvs/fit fit.py --alpha '{alpha}'
#$ -N fit
#$ -l h_rt=02:00:00
#$ -l mem=4G
#$ -t 1-100
#$ -cwd
#$ -j y

module load python3/recommended
. /home/ccaabcd/venvs/fit/bin/activate || exit
export OMP_NUM_THREADS=1

row=$(cat <<'PYTHON'
import csv, os, re, subprocess, sys

file, number, last, *words = sys.argv[1:]
unfit = "(LD_|BASH|PYTHON|PERL|SLURM|SBATCH|HPCGEN).*|ENV|IFS|PATH|HOME|SHELL|SHELLOPTS|PS4|UID|EUID|PPID|_"
with open(file, newline="", encoding="utf-8-sig", errors="surrogateescape") as lines:
    header = lines.readline()
    lines.seek(0)
    try:
        names, *rows = [row for row in csv.reader(lines, delimiter="\t" if "\t" in header else ",") if row] or [[]]
    except csv.Error as why:
        sys.exit("hpcgen: %s: %s" % (file, why))
if len(rows) < int(number):
    sys.exit("hpcgen: %s: no row %s: the file has only %d now" % (file, number, len(rows)))
row = rows[int(number) - 1]
if len(row) != len(names):
    sys.exit("hpcgen: %s: row %s has %d values for %d columns" % (file, number, len(row), len(names)))
if any("\0" in value for value in row):
    sys.exit("hpcgen: %s: row %s contains a NUL byte, which no variable can hold" % (file, number))
for name in names:
    if not re.match("[A-Za-z_][A-Za-z0-9_]*$", name) or re.match("(%s)$" % unfit, name):
        sys.exit("hpcgen: %s: column %r cannot be a variable" % (file, name))
values = dict(zip(names, row))
words[1:] = [re.sub(r"\{(\w+)\}", lambda found: values.get(found.group(1), found.group()), word) for word in words[1:]]
try:
    status = subprocess.call(words, env=dict(os.environ, **values), stdin=subprocess.DEVNULL)
except OSError as why:
    sys.exit("hpcgen: %s: %s" % (words[0], why.strerror))
if number == last and len(rows) > int(last):
    sys.exit("hpcgen: %s: the file has %d rows now, but this array was made for %s" % (file, len(rows), last))
sys.exit(status if status >= 0 else 128 - status)
PYTHON
)

# Each index of the array runs its share of the tasks, one after the other. HPCGEN_TASK is the number of the task.
tasks=parameters.csv
if [ ! -r "$tasks" ] || [ -d "$tasks" ]; then
    echo "hpcgen: $tasks: cannot read this file on $HOSTNAME from $PWD: it must contain the tasks of this array" >&2
    exit 2
fi
count=100
chunk=1
index=$SGE_TASK_ID
first=$(((index - 1) * chunk + 1))
last=$((first + chunk - 1 < count ? first + chunk - 1 : count))
status=0
python=$(command -v python3 || command -v python)
for ((HPCGEN_TASK = first; HPCGEN_TASK <= last; HPCGEN_TASK++)); do
    export HPCGEN_TASK
    "$python" -c "$row" "$tasks" "$HPCGEN_TASK" "$count" python fit.py --alpha '{alpha}' || {
        status=$?
        echo "hpcgen: row $HPCGEN_TASK of $tasks failed with status $status" >&2
    }
done
exit "$status"
