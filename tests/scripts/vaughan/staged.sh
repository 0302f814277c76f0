#!/bin/bash
# hpcgen 0.1.0: site vaughan, facts of 2026-07-24 to 2026-11-21
# made by: hpcgen slurm --site vaughan --workload mpi --account ap_course --nodes 2 --ntasks 16 --ntasks-per-node 8 --cpus-per-task 8 --python '$HPCGEN_STAGED/env/bin/python' --stage env.tar.zst --stage input script.py
#SBATCH --job-name=script
#SBATCH --account=ap_course
#SBATCH --time=01:00:00
#SBATCH --partition=zen2
#SBATCH --nodes=2
#SBATCH --ntasks=16
#SBATCH --ntasks-per-node=8
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=1G

module --force purge
module load calcua/2023a
module load Python/3.11.3-GCCcore-12.3.0

# Copy the staged files to a folder on each node, and unpack archives. The script removes the folder when the job ends.
HPCGEN_STAGED=/tmp/hpcgen-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
HPCGEN_STAGE=$(cat <<'BASH'
fail() {
    echo "hpcgen: staging on $(uname -n) failed: $*" >&2
    [ ! -d "$HPCGEN_STAGED.lock" ] || : >"$HPCGEN_STAGED.lock/failed"
    exit 1
}
claim() {
    if ! mkdir -- "$HPCGEN_STAGED.lock" 2>/dev/null; then
        [ -d "$HPCGEN_STAGED.lock" ] || fail "cannot make a folder in ${HPCGEN_STAGED%/*}"
        until [ -d "$HPCGEN_STAGED" ]; do
            [ ! -e "$HPCGEN_STAGED.lock/failed" ] || exit 1
            sleep 0.2
        done
        exit 0
    fi
    mkdir -- "$HPCGEN_STAGED.part" || fail "cannot make a folder in ${HPCGEN_STAGED%/*}"
}
unpack() {
    mkdir -- "$part" && tar --force-local --no-same-owner "$@" -C "$part" || fail "$item"
}
copy() {
    case $item in
        *.tar | *.tgz | *.tar.gz | *.tar.zst | *.tar.xz | *.tar.bz2)
            case $item in
                *.zst) tool=zstd ;;
                *.xz) tool=xz ;;
                *.bz2) tool=bzip2 ;;
                *) tool=tar ;;
            esac
            command -v "$tool" >/dev/null || fail "$item: $tool is not installed here: stage a .tar.gz"
            part=${part%.tgz}
            part=${part%.tar*}
            [ -f "$sent" ] || sent=$item
            unpack -xf "$sent"
            ;;
        *)
            if [ -f "$sent" ]; then
                mv -- "$sent" "$part" || fail "$item"
            elif [ -f "$sent.tar" ]; then
                unpack -xpf "$sent.tar"
            else
                cp -aH -- "$item" "$HPCGEN_STAGED.part/" || fail "$item"
            fi
            ;;
    esac
}
refused() {
    case $said in
        *REQUEST_FILE_BCAST*"No such file or directory"*)
            echo "hpcgen: staging: sbcast cannot find $HPCGEN_STAGED.sent, because jobs have private folders here: each node reads the files itself" >&2
            exit 0
            ;;
    esac
    fail "$item: cannot send it to ${HPCGEN_STAGED%/*}: ${said%%$'\n'*}"
}
broadcast() {
    said=$(sbcast --force --preserve -- "$1" "$2" 2>&1) || refused
}
send() {
    [ -e "$item" ] || fail "$item: no such file or folder"
    if [ -d "$item" ]; then
        # status 1: a file changed while tar read it
        tar --force-local -C "$item" -cf "$sent.pack" . || [ $? -eq 1 ] || fail "$item"
        broadcast "$sent.pack" "$sent.tar"
        rm -- "$sent.pack"
    elif [ -s "$item" ]; then
        broadcast "$item" "$sent"
    fi
}
umask 077
case $0 in
    remove)
        rm -rf -- "$HPCGEN_STAGED" "$HPCGEN_STAGED.part" "$HPCGEN_STAGED.lock" "$HPCGEN_STAGED.sent"
        exit 0
        ;;
    receive)
        mkdir -- "$HPCGEN_STAGED.sent" 2>/dev/null || [ -O "$HPCGEN_STAGED.sent" ] || fail "cannot make a folder in ${HPCGEN_STAGED%/*}"
        exit 0
        ;;
    copy) claim ;;
esac
number=0
for item do
    number=$((number + 1))
    case $item in
        "~/"*) item=$HOME/${item#??} ;;
        -*) item=./$item ;;
    esac
    part=${item%/}
    part=$HPCGEN_STAGED.part/${part##*/}
    sent=$HPCGEN_STAGED.sent/$number
    "$0"
done
if [ "$0" = copy ]; then
    mv -- "$HPCGEN_STAGED.part" "$HPCGEN_STAGED" || fail "$HPCGEN_STAGED"
    rm -rf -- "$HPCGEN_STAGED.sent"
fi
BASH
)
export HPCGEN_STAGED HPCGEN_STAGE
unstage() {
    srun --mpi=none --export=ALL --cpu-bind=none --cpus-per-task=1 --ntasks-per-node=1 --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" bash -c 'eval "$HPCGEN_STAGE"' remove || :
}
trap unstage EXIT
srun --mpi=none --export=ALL --cpu-bind=none --cpus-per-task=1 --ntasks-per-node=1 --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" bash -c 'eval "$HPCGEN_STAGE"' receive || exit
bash -c 'eval "$HPCGEN_STAGE"' send env.tar.zst input || exit
srun --mpi=none --export=ALL --cpu-bind=none --cpus-per-task=1 --mem=0 --ntasks-per-node=1 --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" bash -c 'eval "$HPCGEN_STAGE"' copy env.tar.zst input || exit
export OMP_NUM_THREADS=8
export OMP_PLACES=cores
export OMP_PROC_BIND=close

srun --cpus-per-task=8 --cpu-bind=cores "$HPCGEN_STAGED"/env/bin/python script.py
