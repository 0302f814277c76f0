#!/bin/bash
# hpcgen 0.1.0: site vaughan, facts of 2026-07-24 to 2026-11-21
# made by: hpcgen slurm --site vaughan --workload mpi --account ap_course --nodes 2 --ntasks 128 --python '$HPCGEN_STAGED/env/bin/python' --stage env.tar.zst --stage input script.py
#SBATCH --job-name=script
#SBATCH --account=ap_course
#SBATCH --time=01:00:00
#SBATCH --partition=zen2
#SBATCH --nodes=2
#SBATCH --ntasks=128
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=1G

module --force purge
module load calcua/2023a
module load Python/3.11.3-GCCcore-12.3.0

# Each node gets a copy of what is staged, in a folder that is removed when the job ends. Archives are unpacked.
HPCGEN_STAGED=/tmp/hpcgen-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
HPCGEN_STAGE=$(cat <<'BASH'
fail() {
    echo "hpcgen: staging on $HOSTNAME failed: $*" >&2
    [ ! -d "$HPCGEN_STAGED.lock" ] || : >"$HPCGEN_STAGED.lock/failed"
    exit 1
}
umask 077
if [ "$0" = remove ]; then
    rm -rf -- "$HPCGEN_STAGED" "$HPCGEN_STAGED.part" "$HPCGEN_STAGED.lock"
    exit 0
fi
if ! mkdir -- "$HPCGEN_STAGED.lock" 2>/dev/null; then
    [ -d "$HPCGEN_STAGED.lock" ] || fail "no folder can be made in ${HPCGEN_STAGED%/*}"
    until [ -d "$HPCGEN_STAGED" ]; do
        [ ! -e "$HPCGEN_STAGED.lock/failed" ] || exit 1
        sleep 0.2
    done
    exit 0
fi
mkdir -- "$HPCGEN_STAGED.part" || fail "no folder can be made in ${HPCGEN_STAGED%/*}"
for item do
    case $item in
        "~/"*) item=$HOME/${item#??} ;;
        -*) item=./$item ;;
    esac
    name=${item%/}
    name=${name##*/}
    case $item in
        *.tar | *.tgz | *.tar.gz | *.tar.zst | *.tar.xz | *.tar.bz2)
            name=${name%.tgz}
            name=$HPCGEN_STAGED.part/${name%.tar*}
            mkdir -- "$name" && tar --force-local --no-same-owner -xf "$item" -C "$name" || fail "$item"
            ;;
        *) cp -aH -- "$item" "$HPCGEN_STAGED.part/" || fail "$item" ;;
    esac
done
mv -- "$HPCGEN_STAGED.part" "$HPCGEN_STAGED" || fail "$HPCGEN_STAGED"
BASH
)
export HPCGEN_STAGED HPCGEN_STAGE
unstage() {
    srun --mpi=none --export=ALL --cpu-bind=none --cpus-per-task=1 --ntasks-per-node=1 --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" bash -c 'eval "$HPCGEN_STAGE"' remove || :
}
trap unstage EXIT
srun --mpi=none --export=ALL --cpu-bind=none --cpus-per-task=1 --ntasks-per-node=1 --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" bash -c 'eval "$HPCGEN_STAGE"' copy env.tar.zst input || exit
export OMP_NUM_THREADS=1

srun --cpus-per-task=1 "$HPCGEN_STAGED"/env/bin/python script.py
