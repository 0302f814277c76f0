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
